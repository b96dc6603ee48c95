"""What can be wrong with payouts; each error says what to do."""

from collections.abc import Collection
from typing import ClassVar

from cloudpay.kernel.errors import Conflict, FieldErrors, Forbidden, InvalidRequest, NotFound

_NAMED = 3


class UnknownPayout(NotFound):
    """There is no such payout, or it belongs to another merchant."""

    code: ClassVar[str] = "unknown_payout"

    def __init__(self, payout_id: str) -> None:
        super().__init__(f"There is no payout {payout_id[:60]!r}. GET /api/payout/history lists yours.")
        self.payout_id = payout_id


class UnknownBatch(NotFound):
    """There is no such batch of payouts, or it belongs to another merchant."""

    code: ClassVar[str] = "unknown_payout_batch"

    def __init__(self, batch_id: str) -> None:
        super().__init__(
            f"There is no batch of payouts {batch_id[:60]!r}. GET /api/payout/history names the batch of each payout."
        )
        self.batch_id = batch_id


class PayoutsRefused(InvalidRequest):
    """Something is wrong with some items, so that none of them was accepted; `errors` names every one."""

    code: ClassVar[str] = "payouts_refused"

    def __init__(self, errors: FieldErrors) -> None:
        first = [f"{name}: {' '.join(sentences)}" for name, sentences in list(errors.items())[:_NAMED]]
        more = f" And {len(errors) - _NAMED} more; see errors." if len(errors) > _NAMED else ""
        super().__init__(f"Nothing was accepted. {' '.join(first)}{more}", errors=errors)


class PayoutCurrencyUnset(PayoutsRefused):
    """Items name no currency, and their merchant has none set for payouts on that network."""

    code: ClassVar[str] = "payout_currency_unset"


class PayoutIdsMixed(Conflict):
    """Some of the ids were used before, and others are new: nothing tells what is meant."""

    code: ClassVar[str] = "payout_ids_mixed"

    def __init__(self, known: Collection[str], total: int) -> None:
        super().__init__(
            f"{len(known)} of these {total} ids were used before ({_list(known)}), and the others are new. Nothing was "
            "accepted: send the earlier batch as it was, or one whose ids are all new."
        )


class PayoutIdReused(Conflict):
    """The ids were used before, for other payouts: an id is used for ever, even when its payout has failed."""

    code: ClassVar[str] = "payout_id_reused"

    def __init__(self, known: Collection[str], what: str) -> None:
        super().__init__(
            f"These ids were used before, {what}: {_list(known)}. Nothing was accepted: an id is used for ever. Send "
            "the same content again, or new ids."
        )


class NotConfirmable(Conflict):
    """Nothing of it waits for a confirmation."""

    code: ClassVar[str] = "payout_not_confirmable"

    def __init__(self, thing: str, status: str) -> None:
        super().__init__(f"{thing} is {status}: nothing of it waits for a confirmation.")


class PayoutNotCancellable(Conflict):
    """It is being sent, or has ended."""

    code: ClassVar[str] = "payout_not_cancellable"

    def __init__(self, thing: str, status: str) -> None:
        super().__init__(
            f"{thing} is {status}. Only what waits for a confirmation, or queued and not signed yet, can be cancelled."
        )


class PayoutLimitExceeded(Forbidden):
    """More would go out than the key or the merchant may send."""

    code: ClassVar[str] = "payout_limit_exceeded"
    title: ClassVar[str] = "A limit of payouts is exceeded"


class ApprovalNeeded(Forbidden):
    """So much goes out only when people have agreed; no key can."""

    code: ClassVar[str] = "payout_approval_needed"
    title: ClassVar[str] = "People must agree to this"

    def __init__(self, batch_id: str, needed: int) -> None:
        super().__init__(
            f"The batch {batch_id} is above the merchant's threshold: {needed} users must agree to it, by "
            "`cloudpay payout confirm`. No key can."
        )
        self.batch_id = batch_id


def _list(ids: Collection[str]) -> str:
    named = ", ".join(repr(each[:60]) for each in sorted(ids)[:_NAMED])
    return named + (", …" if len(ids) > _NAMED else "")
