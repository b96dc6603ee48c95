"""The decision about an invoice, for any payments in any order."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloudpay.invoices.settlement import Asked, decide
from cloudpay.invoices.states import INVOICE, InvoiceException, InvoiceStatus
from cloudpay.payments.states import PaymentStatus
from cloudpay.payments.views import PaymentView

EXPIRY = datetime(2026, 1, 1, tzinfo=UTC)
ASKED = Asked("evm", "usdt", "fake1", 100)
OPEN = [InvoiceStatus.PENDING, InvoiceStatus.CONFIRMING, InvoiceStatus.EXPIRED]


def payment(amount: int, status: PaymentStatus, minutes: int, asset: str, number: int) -> PaymentView:
    moment = EXPIRY + timedelta(minutes=minutes)
    return PaymentView(
        id=f"pay_{number}",
        invoice_id="INV-1",
        network="evm",
        asset=asset,
        tx_hash=f"tx{number}",
        address="fake1",
        sender=None,
        amount=amount,
        status=status,
        confirmations=1,
        block_height=number,
        block_time=moment,
        first_seen_at=moment,
        final_at=None,
    )


payments = st.lists(
    st.tuples(
        st.integers(1, 150),
        st.sampled_from(PaymentStatus),
        st.sampled_from([-5, 5]),
        st.sampled_from(["usdt", "usdt", "dai"]),
    ),
    max_size=5,
).map(lambda found: [payment(*each, number=number) for number, each in enumerate(found)])


def sums(found: list[PaymentView]) -> tuple[int, int]:
    """Answer what was seen in time, and what of it is final."""
    timely = [
        each
        for each in found
        if each.asset == "usdt" and each.status is not PaymentStatus.ORPHANED and each.block_time <= EXPIRY
    ]
    return sum(each.amount for each in timely), sum(
        each.amount for each in timely if each.status is PaymentStatus.FINAL
    )


@given(payments, st.sampled_from(OPEN), st.booleans())
def test_an_open_invoice_is_paid_exactly_when_timely_final_money_reaches_the_amount(
    found: list[PaymentView], status: InvoiceStatus, looked: bool
) -> None:
    outcome = decide(status, [ASKED], found, EXPIRY, looked_after_expiry=looked)
    seen, final = sums(found)
    assert (outcome.status is InvoiceStatus.PAID) == (final >= 100)
    assert (outcome.completing is not None) == (final >= 100)
    if final < 100:
        assert (outcome.status is InvoiceStatus.CONFIRMING) == (seen >= 100)


@given(payments, st.sampled_from(InvoiceStatus), st.booleans())
def test_every_decision_is_an_allowed_transition(
    found: list[PaymentView], status: InvoiceStatus, looked: bool
) -> None:
    outcome = decide(status, [ASKED], found, EXPIRY, looked_after_expiry=looked)
    assert outcome.status is status or INVOICE.allows(status, outcome.status)


@given(payments, st.sampled_from(InvoiceStatus), st.booleans())
def test_deciding_again_changes_nothing(
    found: list[PaymentView], status: InvoiceStatus, looked: bool
) -> None:
    once = decide(status, [ASKED], found, EXPIRY, looked_after_expiry=looked)
    again = decide(once.status, [ASKED], found, EXPIRY, looked_after_expiry=looked)
    assert (again.status, again.exception) == (once.status, once.exception)


@given(payments, st.sampled_from(OPEN))
def test_nothing_expires_before_somebody_has_looked(found: list[PaymentView], status: InvoiceStatus) -> None:
    outcome = decide(status, [ASKED], found, EXPIRY, looked_after_expiry=False)
    assert outcome.status is not InvoiceStatus.EXPIRED or status is InvoiceStatus.EXPIRED


@given(payments)
def test_a_paid_invoice_leaves_that_state_only_when_final_money_was_taken_back(
    found: list[PaymentView],
) -> None:
    outcome = decide(InvoiceStatus.PAID, [ASKED], found, EXPIRY, looked_after_expiry=True)
    final = sum(each.amount for each in found if each.asset == "usdt" and each.status is PaymentStatus.FINAL)
    assert outcome.status is (InvoiceStatus.PAID if final >= 100 else InvoiceStatus.REVERSED)


@given(payments, st.sampled_from([*OPEN, InvoiceStatus.CANCELLED]))
def test_money_of_another_asset_decides_nothing(found: list[PaymentView], status: InvoiceStatus) -> None:
    alone = [each for each in found if each.asset == "dai"]
    outcome = decide(status, [ASKED], alone, EXPIRY, looked_after_expiry=True)
    assert outcome.exception is None
    assert outcome.status in (InvoiceStatus.EXPIRED, InvoiceStatus.CANCELLED)


def test_a_cancelled_invoice_that_is_paid_all_the_same_says_late() -> None:
    found = [payment(100, PaymentStatus.FINAL, -5, "usdt", 1)]
    outcome = decide(InvoiceStatus.CANCELLED, [ASKED], found, EXPIRY, looked_after_expiry=False)
    assert (outcome.status, outcome.exception) == (InvoiceStatus.CANCELLED, InvoiceException.LATE)


@given(payments, st.sampled_from(InvoiceStatus), st.booleans())
def test_an_option_that_nobody_uses_changes_nothing(
    found: list[PaymentView], status: InvoiceStatus, looked: bool
) -> None:
    unused = Asked("fake2", "", "fake2", 7)
    alone = decide(status, [ASKED], found, EXPIRY, looked_after_expiry=looked)
    for asked in ([ASKED, unused], [unused, ASKED]):
        both = decide(status, asked, found, EXPIRY, looked_after_expiry=looked)
        assert both == alone
