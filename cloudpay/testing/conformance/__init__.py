"""The test class that every chain plugin subclasses: it holds the whole seam against a real or fake chain."""

import pytest

_CHECKS = (
    "address_checks",
    "page_checks",
    "transfer_checks",
    "state_checks",
    "fault_checks",
    "draft_checks",
    "send_checks",
    "replace_checks",
    "spend_tools",
    "tools",
)
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in _CHECKS))

from cloudpay.testing.conformance.address_checks import AddressChecks  # noqa: E402  # rewritten when imported after
from cloudpay.testing.conformance.draft_checks import DraftChecks  # noqa: E402
from cloudpay.testing.conformance.fault_checks import FaultChecks  # noqa: E402
from cloudpay.testing.conformance.page_checks import PageChecks  # noqa: E402
from cloudpay.testing.conformance.replace_checks import ReplaceChecks  # noqa: E402
from cloudpay.testing.conformance.send_checks import SendChecks  # noqa: E402
from cloudpay.testing.conformance.state_checks import StateChecks  # noqa: E402
from cloudpay.testing.conformance.transfer_checks import TransferChecks  # noqa: E402
from cloudpay.testing.conformance.world import ChainWorld, SendingWorld  # noqa: E402

__all__ = ["ChainConformance", "ChainWorld", "SendingWorld"]


class ChainConformance(
    AddressChecks,
    PageChecks,
    TransferChecks,
    StateChecks,
    FaultChecks,
    DraftChecks,
    SendChecks,
    ReplaceChecks,
):
    """Subclass it as `TestMyChain` and give it a fixture `world`: a `ChainWorld`, or with SENDS a `SendingWorld`."""
