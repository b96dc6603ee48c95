"""Move the seal key from a file to a key management service, or back: the seed is sealed anew, and stays what it is."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.kernel.conditional import changed_rows
from cloudpay.kernel.errors import Conflict
from cloudpay.kernel.secrets import WrongKey
from cloudpay.wallets.models import MAIN_SEED, SealedSeedRow
from cloudpay.wallets.sealing import KeyPlace, KeySource, key_source
from cloudpay.wallets.seed import open_words, seal_words
from cloudpay.wallets.setup import seed_row


def reseal(gateway: Gateway, place: KeyPlace, *, actor: str) -> KeySource:
    """Seal the seed by the key of another place, made where there is none; answer that place. Audited.

    The old key is left where it is. Killed midway, it may be run again: the seed opens by the one key or by the other.
    Raises what loading the keys raises, `WalletMissing`, and `WrongKey` where neither of them opens the seed.
    """
    goal = key_source(gateway.settings, place)
    with gateway.db.read() as session:
        row = seed_row(session)
    new = goal.make()
    try:
        words = open_words(new, row.sealed)
    except WrongKey:
        words = open_words(key_source(gateway.settings).load(), row.sealed)
    sealed = seal_words(new, words)

    def work(session: Session) -> None:
        same = (SealedSeedRow.name == MAIN_SEED, SealedSeedRow.sealed == row.sealed)
        if not changed_rows(session, update(SealedSeedRow).where(*same).values(sealed=sealed)):
            raise Conflict("The seed was sealed by somebody else at the same time. Try again.")
        record(session, actor=actor, action="wallet.resealed", subject=row.fingerprint, details={"by": place})

    gateway.db.run(work)
    return goal
