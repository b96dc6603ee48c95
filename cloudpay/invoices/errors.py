"""What can be wrong with a request about invoices."""

from typing import ClassVar

from cloudpay.kernel.errors import Conflict, NotFound


class UnknownInvoice(NotFound):
    """There is no such invoice, or it belongs to another merchant."""

    code: ClassVar[str] = "unknown_invoice"

    def __init__(self, invoice_id: str) -> None:
        super().__init__(f"There is no invoice {invoice_id[:60]!r}. GET /api/invoice lists yours.")
        self.invoice_id = invoice_id


class NotCancellable(Conflict):
    """Money has come in, or the invoice has ended: it cannot be cancelled any more."""

    code: ClassVar[str] = "not_cancellable"

    def __init__(self, invoice_id: str, status: str, payments: int) -> None:
        super().__init__(
            f"The invoice {invoice_id} is {status} and has {payments} payments; "
            "only a pending one without any can be cancelled."
        )
        self.invoice_id = invoice_id


class NotReversed(Conflict):
    """Only an invoice that a reorganisation took back waits for a person's decision."""

    code: ClassVar[str] = "not_reversed"

    def __init__(self, invoice_id: str, status: str) -> None:
        super().__init__(
            f"The invoice {invoice_id} is {status}, not reversed: there is nothing to decide about it."
        )
        self.invoice_id = invoice_id


class StillUnpaid(Conflict):
    """The money of a reversed invoice is not back."""

    code: ClassVar[str] = "still_unpaid"

    def __init__(self, invoice_id: str) -> None:
        super().__init__(
            f"The final payments of {invoice_id} do not cover it (yet). Wait until they do, after `cloudpay chains "
            "resume`, or write the sale off: `cloudpay invoice write-off`."
        )
        self.invoice_id = invoice_id
