"""Looking for stray money on several networks: what one of them cannot tell keeps no other from being looked at."""

import pytest

from cloudpay.chains.errors import Unlinked, WrongChain
from cloudpay.chains.types import BlockRef
from cloudpay.invoices.strays import look_up
from cloudpay.kernel.errors import CloudPayError
from tests.cloudpay.shop import Shop


@pytest.mark.parametrize(
    "error",
    [WrongChain("evm", "a node", "1", "5"), Unlinked(BlockRef(7, "0x07"))],
    ids=["wrong chain", "reorganised"],
)
def test_a_network_that_cannot_be_looked_at_is_named_and_hides_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, error: CloudPayError
) -> None:
    invoice = shop.ask()

    def broken() -> None:
        raise error

    monkeypatch.setattr(shop.chain, "head", broken)
    assert look_up(shop.gateway, invoice.id).problems == {"evm": error.message}
