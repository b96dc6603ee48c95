"""Signing: the digest is computed here, and what comes back is held against the address that is to pay."""

from cloudpay.chains.spending import Draft, Payee, Signed, Signer
from cloudpay_tron.explaining import ORDER, expires_at, sender_of
from cloudpay_tron.transactions import decode, digest_of, encode

_BYTES = 65


def sign(draft: Draft, signer: Signer) -> Signed:
    """Sign a draft; raises `ValueError` when its bytes or the signature are not its source's own."""
    transaction, already = decode(draft.unsigned)
    [spend], [path] = draft.spends, draft.signers
    if already:
        raise ValueError("it is signed already")
    says = Payee(transaction.recipient, transaction.contract, transaction.amount)
    if transaction.owner != spend.source or says != Payee(spend.recipient, spend.contract, spend.amount):
        raise ValueError(f"its bytes are another payment than {spend.id}")
    if expires_at(transaction) != draft.expires_at:
        raise ValueError("its bytes expire at another time than the draft says")
    digest = digest_of(transaction)
    signature = _low(signer.sign(path, digest))
    if sender_of(digest, signature) != spend.source:
        raise ValueError(f"the key that signed is not that of {spend.source}")
    return Signed(digest.hex(), encode(transaction, signature))


def _low(answer: bytes) -> bytes:
    """Of the two signatures that a key can give, answer the one with the low s."""
    if len(answer) != _BYTES:
        raise ValueError(f"a signature has {_BYTES} bytes, not {len(answer)}")
    s = int.from_bytes(answer[32:64])
    if s <= ORDER // 2:
        return answer
    return answer[:32] + (ORDER - s).to_bytes(32) + bytes([answer[64] ^ 1])
