"""The one hook that a chain plugin implements."""

from collections.abc import Iterable

from cloudpay.chains.adapter import ChainDefinition
from cloudpay.kernel.plugins import hookspec

ENTRY_POINT_GROUP = "cloudpay.chains"


@hookspec
def cloudpay_chains() -> Iterable[ChainDefinition]:  # type: ignore[empty-body]  # a specification has no body
    """Declare the networks this distribution serves. No I/O, no heavy import."""
