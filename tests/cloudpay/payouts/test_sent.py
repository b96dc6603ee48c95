"""From a request to the chain and back: the engine sends what the API accepted, and the merchant is told."""

from typing import Any

from flask.testing import FlaskClient

from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.audit import check
from cloudpay.ledger.service import balances
from cloudpay.merchants.service import MerchantView
from cloudpay.outbox.service import drain
from cloudpay.wiring import EVENT_HANDLERS
from tests.cloudpay.funds import Send
from tests.cloudpay.payouts.items import ALICE, BOB, item
from tests.cloudpay.payouts.test_changes import HOOK, told
from tests.cloudpay.transactions.desk import Desk

HALF = 5 * 10**17


def hand_on(gateway: Gateway) -> None:
    """Drain the outbox."""
    while drain(gateway, EVENT_HANDLERS):
        pass


def held(gateway: Gateway, merchant: MerchantView) -> dict[tuple[str, str], int]:
    with gateway.db.read() as session:
        found = balances(session, merchant.id, livemode=False)
    return {(key.asset, key.kind.value): each.held for key, each in found.items()}


def test_an_accepted_batch_arrives_is_booked_and_told(
    funded: Gateway,
    send: Send,
    desk: Desk,
    merchant: MerchantView,
    client: FlaskClient,
    headers: dict[str, str],
) -> None:
    usdt = desk.network.asset("USDT").key
    items = (item(1), item(2, address=BOB, currency="USDT", amount="7"))
    made = send(*items, auto_confirm=True, callback_url=HOOK).get_json()
    desk.work()
    desk.confirm()
    hand_on(funded)
    assert desk.chain.spendable(ALICE, None) == HALF
    assert desk.chain.spendable(BOB, usdt) == 7 * 10**6
    shown = client.get(f"/api/payout/batch/{made['batch_id']}", headers=headers).get_json()
    assert (shown["status"], {each["status"] for each in shown["items"]}) == ("completed", {"confirmed"})
    assert all(each["tx_hash"] and each["fee"] for each in shown["items"])
    assert sorted(each["type"] for each in told(funded)) == [
        "batch.completed",
        "payout.confirmed",
        "payout.confirmed",
    ]
    books = held(funded, merchant)
    assert (books["", "paid_out"], books[usdt, "paid_out"]) == (HALF, 7 * 10**6)
    assert books["", "reserved"] == books[usdt, "reserved"] == 0
    assert books["", "master"] == desk.chain.spendable(desk.master.address, None)
    assert check(funded) == []
    again = send(*items, auto_confirm=True, callback_url=HOOK)
    assert again.get_json() == made, "as it was answered first"
    desk.work()
    desk.confirm()
    assert desk.chain.spendable(ALICE, None) == HALF, "and nothing is paid twice"


def test_f69_a_cancelled_payout_never_reaches_the_chain(
    funded: Gateway, send: Send, desk: Desk, client: FlaskClient, headers: dict[str, str]
) -> None:
    made = send(item(1), item(2, address=BOB), auto_confirm=True).get_json()
    cancelled: Any = client.post(f"/api/payout/{made['items'][0]['payout_id']}/cancel", headers=headers)
    assert cancelled.status_code == 200
    desk.work()
    desk.confirm()
    hand_on(funded)
    assert (desk.chain.spendable(ALICE, None), desk.chain.spendable(BOB, None)) == (0, HALF)
    shown = client.get(f"/api/payout/batch/{made['batch_id']}", headers=headers).get_json()
    assert [each["status"] for each in shown["items"]] == ["cancelled", "confirmed"]
    assert shown["status"] == "completed"
    assert check(funded) == []
