"""The web and event processes are killed at each failpoint of paying out: asked again, they do it once."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from cloudpay.chains.gateway import Gateway
from cloudpay.kernel import failpoints
from cloudpay.kernel.failpoints import Failpoint
from cloudpay.ledger.audit import check
from cloudpay.payouts.models import BatchRow, PayoutRow
from cloudpay.transactions.models import SpendRow
from tests.cloudpay.funds import BULK
from tests.cloudpay.payouts.items import BOB, count, item
from tests.cloudpay.payouts.test_changes import told
from tests.cloudpay.payouts.test_sent import hand_on
from tests.cloudpay.transactions.desk import Desk

PAYING = sorted(place for place in Failpoint if place.startswith("payout."))
HOOK = "https://shop.example.com/hook"


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoints.disarm()


Ask = Callable[[str, dict[str, Any]], TestResponse]


@pytest.fixture
def ask(app: Flask, headers: dict[str, str]) -> Ask:
    """Ask as a merchant does, with a key, and again where the process that was asked has died."""

    def post(path: str, body: dict[str, Any]) -> TestResponse:
        sent = {**headers, "Idempotency-Key": path}
        try:
            return app.test_client().post(path, data=json.dumps(body), headers=sent)
        except Killed:
            return app.test_client().post(path, data=json.dumps(body), headers=sent)

    return post


def pay(gateway: Gateway, desk: Desk, ask: Ask) -> dict[str, Any]:
    """Accept two payouts, take one of them back, let the other go, send it and tell of it."""
    items = [item(1), item(2, address=BOB)]
    made = ask(BULK, {"items": items, "callback_url": HOOK})
    assert made.status_code == 201
    first, second = (each["payout_id"] for each in made.get_json()["items"])
    assert ask(f"/api/payout/{first}/confirm", {}).status_code == 200
    assert ask(f"/api/payout/{first}/cancel", {}).status_code == 200
    assert ask(f"/api/payout/{second}/confirm", {}).status_code == 200
    desk.work()
    desk.confirm()
    try:
        hand_on(gateway)
    except Killed:
        desk.clock.advance(timedelta(minutes=1))  # until what was claimed is anybody's again
    hand_on(gateway)
    found: dict[str, Any] = made.get_json()
    return found


def test_f110_paying_out_comes_by_every_failpoint_of_payouts(funded: Gateway, desk: Desk, ask: Ask) -> None:
    passed: set[Failpoint] = set()
    for place in PAYING:
        failpoints.arm(place, partial(passed.add, place), again=True)
    pay(funded, desk, ask)
    assert set(PAYING) - passed == set()


@pytest.mark.parametrize("place", PAYING)
def test_f110_a_process_killed_anywhere_while_it_pays_out_pays_once_and_tells_once(
    funded: Gateway, desk: Desk, ask: Ask, place: Failpoint
) -> None:
    def end() -> None:
        raise Killed

    failpoints.arm(place, end)
    made = pay(funded, desk, ask)
    assert [made["count"], count(funded, BatchRow), count(funded, PayoutRow)] == [2, 1, 2]
    assert count(funded, SpendRow) == 2
    assert desk.chain.spendable(BOB, None) == 5 * 10**17
    assert sorted(each["type"] for each in told(funded)) == ["batch.completed", "payout.confirmed"]
    assert desk.books()[1] == 0
    assert check(funded) == []
