"""How a rule is held: counted each time that it is looked at, and raised with what was found where it does not hold."""

from collections import Counter

from cloudpay.invoices.states import InvoiceStatus
from cloudpay.kernel.states import Transitions
from cloudpay.payments.states import NetworkStatus, PaymentStatus

Status = InvoiceStatus | PaymentStatus | NetworkStatus
Table = Transitions[InvoiceStatus] | Transitions[PaymentStatus] | Transitions[NetworkStatus]


class Broken(Exception):
    """A rule does not hold."""

    def __init__(self, rule: str, found: str) -> None:
        super().__init__(f"{rule}: {found}")
        self.rule, self.found = rule, found


class Hold:
    """Holds the rules of one run."""

    def __init__(self) -> None:
        self.checked: Counter[str] = Counter()

    def __call__(self, rule: str, holds: bool, *found: object) -> None:
        """Count a rule that was looked at; raises `Broken` with what was found."""
        self.checked[rule] += 1
        if not holds:
            raise Broken(rule, " ".join(map(str, found)))

    def transition(self, table: Table, kind: type[Status], was: str | None, now: str) -> None:
        """Hold a change of state against the table of its kind; a beginning is none."""
        if was is not None:
            allowed = kind(now) in table.table[kind(was)]  # type: ignore[index]  # table and kind belong together
            self("states follow their tables", allowed, f"a {table.thing} went from {was} to {now}")
