"""`GET /api/user/balance`: the chain's word on a master wallet, and beside it what is booked."""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from cloudpay.chains.errors import BlockPassed, Unlinked
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import BlockRef, Holding
from cloudpay.ledger.outgoing import Funding, Outgoing, post_funding, post_reserve
from cloudpay.ledger.payments import Receipt, post_receipt
from cloudpay.ledger.types import AccountKind
from cloudpay.merchants.keys import create_key
from cloudpay.merchants.service import MerchantView
from cloudpay.testing import FakeChain, FakePlugin
from cloudpay.testing.clock import START
from cloudpay.wallets.gas_choice import set_gas_station
from cloudpay.wallets.masters import find_master, master_wallet

ETHER = 10**18


@pytest.fixture
def chain(fakes: FakePlugin, gateway: Gateway) -> FakeChain:
    gateway.chains.adapter("evm")
    fakes.chains["evm"].mine(3)
    return fakes.chains["evm"]


@pytest.fixture
def master(gateway: Gateway, merchant: MerchantView) -> str:
    return master_wallet(gateway, gateway.chains.network("evm"), merchant.id).address


@pytest.fixture
def usdt(gateway: Gateway) -> str:
    contract = gateway.chains.network("evm").asset("USDT").contract
    assert contract is not None
    return contract


def ask(client: FlaskClient, headers: Mapping[str, str], query: str = "network=evm") -> Any:
    answer = client.get(f"/api/user/balance?{query}", headers=dict(headers))
    return answer.status_code, answer.get_json()


def test_the_chains_balance_stands_beside_what_is_booked(
    client: FlaskClient,
    headers: dict[str, str],
    gateway: Gateway,
    merchant: MerchantView,
    chain: FakeChain,
    master: str,
) -> None:
    chain.fund(master, 3 * ETHER)
    evm: dict[str, Any] = {"merchant_id": merchant.id, "livemode": False, "network": "evm", "asset": ""}
    with gateway.db.transaction() as session:
        post_funding(session, Funding(tx_id="0x1", address=master, ordinal=0, amount=2 * ETHER, **evm), START)
        post_reserve(session, Outgoing("sp_1", amount=ETHER // 2, fee_reserved=ETHER // 4, **evm), START)
        post_receipt(session, Receipt("pay_1", 1, amount=7 * ETHER, **evm), START)
    status, found = ask(client, headers)
    assert status == 200
    assert found == {
        "network": "evm",
        "address": master,
        "currency": "ETH",
        "token_address": None,
        "decimals": 18,
        "balance": "3.00",
        "block_height": chain.height,
        "available": "1.25",
        "reserved": "0.75",
        "unswept": "7.00",
    }


def test_a_listed_token_is_named_by_its_contract_and_the_network_in_any_case(
    client: FlaskClient, headers: dict[str, str], chain: FakeChain, master: str, usdt: str
) -> None:
    chain.fund(master, 1_500_000, usdt)
    status, found = ask(client, headers, f"network=EVM&token_address={usdt}")
    assert (status, found["currency"], found["decimals"], found["balance"]) == (200, "USDT", 6, "1.50")
    assert (found["token_address"], found["available"]) == (usdt, "0.00")


def test_an_empty_token_address_is_the_native_coin(
    client: FlaskClient, headers: dict[str, str], chain: FakeChain
) -> None:
    status, found = ask(client, headers, "network=evm&token_address=")
    assert (status, found["currency"], found["balance"]) == (200, "ETH", "0.00")


def test_asking_makes_the_wallet_watched(
    client: FlaskClient, headers: dict[str, str], gateway: Gateway, merchant: MerchantView, chain: FakeChain
) -> None:
    network = gateway.chains.network("evm")
    ask(client, headers)
    with gateway.db.read() as session:
        assert find_master(session, network, merchant.id) is not None


@pytest.mark.parametrize("token", ["0x" + "1" * 40, "fake1" + "0" * 40, "USDT"])
def test_an_unknown_token_is_refused_with_those_that_are_listed(
    client: FlaskClient, headers: dict[str, str], chain: FakeChain, usdt: str, token: str
) -> None:
    status, problem = ask(client, headers, f"network=evm&token_address={token}")
    assert (status, problem["code"]) == (422, "unknown_token")
    assert f"{usdt} (USDT)" in problem["errors"]["token_address"][0]


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("", "invalid_request", "network"),
        ("network=", "invalid_request", "network"),
        ("network=moon", "unknown_network", "network"),
        ("network=evm&colour=red", "invalid_request", "colour"),
    ],
)
def test_a_question_that_cannot_be_answered_says_which_field(
    client: FlaskClient, headers: dict[str, str], query: str, code: str, field: str
) -> None:
    status, problem = ask(client, headers, query)
    assert (status, problem["code"]) == (422, code)
    assert field in problem["errors"]


def test_a_node_that_is_away_is_a_503_that_may_be_tried_again(
    client: FlaskClient, headers: dict[str, str], chain: FakeChain
) -> None:
    chain.go_down()
    answer = client.get("/api/user/balance?network=evm", headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "node_unavailable")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_block_that_was_replaced_meanwhile_is_let_go_and_then_given_up(
    client: FlaskClient, headers: dict[str, str], chain: FakeChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    balances, left = chain.balances, [1]

    def replaced(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        if left[0]:
            left[0] -= 1
            raise Unlinked(at)
        return balances(holdings, at)

    monkeypatch.setattr(chain, "balances", replaced)
    assert ask(client, headers)[0] == 200
    left[0] = 9
    assert ask(client, headers)[0] == 503


def test_where_nodes_keep_no_earlier_balances_a_block_that_comes_meanwhile_is_asked_about_instead(
    client: FlaskClient, headers: dict[str, str], chain: FakeChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    balances, passed = chain.balances, [0]

    def gone_on(holdings: Iterable[Holding], at: BlockRef) -> Mapping[Holding, int]:
        if passed[0] < 2:
            passed[0] += 1
            chain.mine()
            raise BlockPassed("evm", at.height)
        return balances(holdings, at)

    monkeypatch.setattr(chain, "balances", gone_on)
    status, told = ask(client, headers)
    assert (status, told["block_height"], passed) == (200, chain.head().latest.height, [2])


def test_a_wallet_that_was_emptied_past_us_has_nothing_available(
    client: FlaskClient,
    headers: dict[str, str],
    gateway: Gateway,
    merchant: MerchantView,
    chain: FakeChain,
    master: str,
) -> None:
    left = Funding("evm", "0x1", master, "", 0, merchant.id, livemode=False, amount=5, leaves=True)
    gateway.db.run(lambda session: post_funding(session, left, START))
    assert ask(client, headers)[1]["available"] == "0.00"


def test_a_key_without_the_read_scope_may_not_ask(
    client: FlaskClient, gateway: Gateway, merchant: MerchantView
) -> None:
    key = create_key(gateway, merchant.id, name="w", scopes=["invoices:write"], actor="cli:a")
    status, problem = ask(client, {"x-api-key": key.secret})
    assert (status, problem["code"]) == (403, "scope_missing")


def test_what_lies_at_a_gas_station_of_its_own_is_in_no_figure(
    client: FlaskClient,
    headers: dict[str, str],
    gateway: Gateway,
    merchant: MerchantView,
    chain: FakeChain,
    master: str,
) -> None:
    station = set_gas_station(gateway, merchant.id, "evm", own=True, actor="cli:test").address
    chain.fund(station, ETHER)
    came = Funding("evm", "0x1", station, "", 0, merchant.id, False, ETHER, purse=AccountKind.GAS)
    top_up = Outgoing("t1", merchant.id, False, "evm", "", 5, 1, purse=AccountKind.GAS)
    with gateway.db.transaction() as session:
        post_funding(session, came, START)
        post_reserve(session, top_up, START)
    _status, body = ask(client, headers)
    assert body["address"] == master
    assert {body[each] for each in ("balance", "available", "reserved", "unswept")} == {"0.00"}
