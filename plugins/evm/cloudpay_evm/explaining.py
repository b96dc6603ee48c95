"""What bytes can move: a native transfer or a token's, and nothing else is understood."""

from collections.abc import Iterable
from functools import lru_cache

from coincurve import PublicKey

from cloudpay.chains.spending import Explained, Payee
from cloudpay_evm.checksum import checksummed, keccak256
from cloudpay_evm.transactions import Signature, Transaction, payload, read

SELECTOR = bytes.fromhex("a9059cbb")
"""keccak256("transfer(address,uint256)")[:4], EIP-20."""
_PADDING = bytes(12)
_CALL_BYTES = 68
_REMEMBERED = 64  # what signs and what guards it ask for the same signature's key, one after the other
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER = ORDER // 2
"""Of secp256k1 (SEC 2): a signature's s above it is refused by every node (EIP-2)."""


def token_call(recipient: str, amount: int) -> bytes:
    """Write the one call that tokens are sent by."""
    return SELECTOR + _PADDING + address_bytes(recipient) + amount.to_bytes(32)


def address_bytes(address: str) -> bytes:
    """Answer the 20 bytes of an address."""
    return bytes.fromhex(address.removeprefix("0x"))


class Explainer:
    """Reads bytes of one chain; a listed contract is named as the settings write it."""

    def __init__(self, chain_id: int, contracts: Iterable[str], margin: int) -> None:
        self._chain_id, self._margin = chain_id, margin
        self._listed = {contract.lower(): contract for contract in contracts}

    def explain(self, raw: bytes) -> Explained:
        """Say what bytes, signed or not, can move; raises `ValueError` for any other kind."""
        transaction, signature = self.read(raw)
        sender = None if signature is None else sender_of(keccak256(payload(transaction)), signature)
        return Explained(self.payees(transaction), transaction.largest_fee + self._margin, None, sender)

    def read(self, raw: bytes) -> tuple[Transaction, Signature | None]:
        """Read bytes of this very chain; raises `ValueError`."""
        transaction, signature = read(raw)
        if transaction.chain_id != self._chain_id:
            raise ValueError(f"it is for the chain {transaction.chain_id}, not {self._chain_id}")
        if transaction.tip > transaction.max_fee:
            raise ValueError("its tip is more than all that it would pay")
        return transaction, signature

    def payees(self, transaction: Transaction) -> tuple[Payee, ...]:
        """Say whom a transaction pays; raises `ValueError`."""
        to = checksummed(transaction.to.hex())
        if not transaction.data:
            return (Payee(to, None, transaction.value),)
        data = transaction.data
        if len(data) != _CALL_BYTES or data[:4] != SELECTOR or data[4:16] != _PADDING:
            raise ValueError("it calls a contract by something else than transfer(address,uint256)")
        if transaction.value:
            raise ValueError("it sends native coins along with a token's transfer")
        contract = self._listed.get(to.lower(), to)
        return (Payee(checksummed(data[16:36].hex()), contract, int.from_bytes(data[36:])),)


@lru_cache(_REMEMBERED)
def sender_of(digest: bytes, signature: Signature) -> str:
    """Recover who signed a digest; raises `ValueError` for what no key signed, and for a signature's twin (EIP-2)."""
    if not 0 < signature.r < ORDER or not 0 < signature.s <= HALF_ORDER or signature.parity not in (0, 1):
        raise ValueError("its signature is none that a node takes")
    flat = signature.r.to_bytes(32) + signature.s.to_bytes(32) + bytes([signature.parity])
    try:
        key = PublicKey.from_signature_and_message(flat, digest, hasher=None)
    except Exception as error:  # coincurve raises plain exceptions
        raise ValueError("its signature fits no key") from error
    return checksummed(keccak256(key.format(compressed=False)[1:])[-20:].hex())
