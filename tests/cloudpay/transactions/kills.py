"""A process that ends between two steps, and one that begins anew."""

import pytest

from cloudpay.kernel import failpoints
from cloudpay.kernel.failpoints import Failpoint
from tests.cloudpay.transactions.desk import Desk


class Killed(BaseException):
    """The process ends here."""


def kill_at(place: Failpoint) -> None:
    """Have the next passage of a place end the process."""

    def end() -> None:
        failpoints.disarm()
        raise Killed

    failpoints.arm(place, end)


def killed(desk: Desk, place: Failpoint) -> None:
    """Do passes until the process is killed there, and begin anew."""
    kill_at(place)
    with pytest.raises(Killed):
        desk.work()
    desk.restart()
