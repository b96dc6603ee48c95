"""Payouts on a real node: signed behind the guard, pipelined, confirmed, and booked to the base unit."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay.kernel.failpoints import Failpoint
from cloudpay.kernel.secrets import KEY_BYTES
from cloudpay_devnet.chain import DevChain
from tests.cloudpay.transactions.kills import Killed, kill_at
from tests.flows.databases import NewDatabase
from tests.flows.realshop import network_table, open_real_shop
from tests.flows.tills import Till, new_sender, open_till, recipient

pytestmark = pytest.mark.flow

ETHER = 10**18


@pytest.fixture
def till(tmp_path: Path, evm_chain: DevChain, new_database: NewDatabase) -> Iterator[Till]:
    """A till with ETH and USDT, on a node that keeps a thousand transactions of one address waiting."""
    table = network_table(evm_chain, in_flight=1_000)
    with open_real_shop(tmp_path, new_database(), {"evm": evm_chain}, {"evm": table}) as shop:
        shop.gateway.settings.seal_key_path.write_text(base64.b64encode(bytes(KEY_BYTES)).decode())
        made = open_till(shop)
        made.fund("ETH", 5 * ETHER)
        made.fund("USDT", 10**9)
        made.price()
        yield made


def test_a_hundred_payouts_in_coins_and_tokens_reach_everybody_and_the_books_agree(till: Till) -> None:
    coins = [f"coin-{number:02}" for number in range(50)]
    tokens = [f"token-{number:02}" for number in range(50)]
    chain, wallet = till.shop.chain, till.master.address
    not_ours = {each: chain.balance(each, wallet) - till.books(each) for each in ("ETH", "USDT")}
    till.pay("ETH", ETHER // 1000, *coins)
    till.pay("USDT", 5_000_000, *tokens)
    while till.sender.work():
        pass
    chain.node.mine(3)
    till.sender.work(look=True)
    assert till.statuses(*coins, *tokens) == {"confirmed"}
    assert {chain.balance("ETH", recipient(each)) for each in coins} == {ETHER // 1000}
    assert {chain.balance("USDT", recipient(each)) for each in tokens} == {5_000_000}
    for symbol, before in not_ours.items():
        assert till.books(symbol) == chain.balance(symbol, wallet) - before


@pytest.mark.parametrize("place", [Failpoint.SEND_COMMITTED, Failpoint.SEND_BROADCAST])
def test_f50_f51_a_sender_killed_around_the_broadcast_pays_once_on_a_real_node(
    till: Till, place: Failpoint
) -> None:
    names = [f"{place}-{number}" for number in range(5)]
    till.pay("ETH", 1_000, *names)
    kill_at(place)
    with pytest.raises(Killed):
        till.sender.work(look=True)
    till.sender = new_sender(till.shop, till.network)
    till.sender.work(look=True)
    till.shop.chain.node.mine(3)
    till.sender.work(look=True)
    assert till.statuses(*names) == {"confirmed"}
    assert {till.shop.chain.balance("ETH", recipient(each)) for each in names} == {1_000}


def test_f56_f58_a_hole_in_the_numbers_is_filled_on_a_real_node_by_the_bytes_that_have_its_place(
    till: Till, request: pytest.FixtureRequest
) -> None:
    """A node that has lost the first of five keeps the others waiting behind it, for ever."""
    not_ours = till.shop.chain.balance("ETH", till.master.address) - till.books(
        "ETH"
    )  # other tests' of this node
    node, names = till.shop.chain.node, [f"hole-{number}" for number in range(5)]
    node.set_automine(False)
    request.addfinalizer(lambda: node.set_automine(True))  # the node is shared
    till.pay("ETH", 1_000, *names)
    till.sender.work(look=True)
    first, *behind = till.attempts()
    node.drop_transaction(first)
    node.mine(1)
    assert [till.shop.chain.receipt(each) for each in (first, *behind)] == [None] * 5
    till.sender.work(look=True)
    node.mine(3)
    till.sender.work(look=True)
    assert till.statuses(*names) == {"confirmed"}
    assert till.attempts() == [first, *behind], "the same bytes, and nothing else"
    assert till.books("ETH") == till.shop.chain.balance("ETH", till.master.address) - not_ours
