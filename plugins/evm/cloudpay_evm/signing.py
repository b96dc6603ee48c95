"""Signing: the digest is computed here, and what comes back is held against the address that is to pay."""

from cloudpay.chains.spending import Draft, Signed, Signer
from cloudpay_evm.checksum import keccak256
from cloudpay_evm.claims import claim_of
from cloudpay_evm.explaining import HALF_ORDER, ORDER, Explainer, sender_of
from cloudpay_evm.transactions import Signature, signed, tx_id_of

_BYTES = 65


def sign(draft: Draft, signer: Signer, explainer: Explainer) -> Signed:
    """Sign a draft; raises `ValueError` when its bytes, its claim or the signature are not its source's own."""
    transaction, already = explainer.read(draft.unsigned)
    [spend], [path] = draft.spends, draft.signers
    if already is not None:
        raise ValueError("it is signed already")
    if draft.claims != {claim_of(spend.source, transaction.nonce)}:
        raise ValueError(
            f"its bytes use the nonce {transaction.nonce} of {spend.source}, its claims say another"
        )
    digest = keccak256(draft.unsigned)
    signature = _signature(signer.sign(path, digest))
    if sender_of(digest, signature) != spend.source:
        raise ValueError(f"the key that signed is not that of {spend.source}")
    raw = signed(transaction, signature)
    return Signed(tx_id_of(raw), raw)


def _signature(answer: bytes) -> Signature:
    """Read r, s and a recovery id; of the two signatures that a key can give, the one with the low s (EIP-2)."""
    if len(answer) != _BYTES:
        raise ValueError(f"a signature has {_BYTES} bytes, not {len(answer)}")
    r, s, parity = int.from_bytes(answer[:32]), int.from_bytes(answer[32:64]), answer[64]
    return Signature(r, s, parity) if s <= HALF_ORDER else Signature(r, ORDER - s, parity ^ 1)
