"""What is measured, and why it matters."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

from sqlalchemy.orm import Session

from bench.house import house
from bench.measure import Figure, measure
from cloudpay.app import create_app
from cloudpay.chains.gateway import Gateway
from cloudpay.wallets.service import insert_deposit, ours, plan_deposit
from cloudpay_evm.addresses import EvmAddresses

Case = Callable[[], Iterator[Figure]]

ADDRESSES_ON_A_PAGE = 2_000

# BIP-44's example account of the well-known development seed; only its public half is needed.
XPUB = "xpub6CUGRUonZSQ4TWtTMmzXdrXDtypWKiKrhko4egpiMZbpiaQL2jkwSB1icqYh2cfDfVxdx4df189oLKnC5fSwqPfgyP3hooxujYzAu3fDVmz"


def derivation() -> Iterator[Figure]:
    """Deposit addresses: one per invoice, derived while the request waits."""
    addresses, numbers = EvmAddresses("evm", 1), count()
    yield measure("derive a deposit address (EVM)", lambda: addresses.derive(XPUB, 0, next(numbers)))


def invoices() -> Iterator[Figure]:
    """Invoices over HTTP without a socket: parsing, one derivation, one transaction, rendering."""
    with house() as here:
        client = create_app(gateway=here.gateway).test_client()
        body = json.dumps(
            {
                "amount": "50.00",
                "currency": "USDT",
                "customer_name": "A",
                "notification_emails": "a@b.example",
            }
        )

        def create() -> str:
            answer = client.post("/api/invoice", headers=here.headers, data=body)
            if answer.status_code != 201:  # noqa: PLR2004  # a figure for refusals would mislead
                raise RuntimeError(answer.text)
            return str(answer.get_json()["id"])

        last = create()
        yield measure("POST /api/invoice (SQLite, every commit synced)", create)
        yield measure(
            "GET /api/invoice/{id}", lambda: client.get(f"/api/invoice/{last}", headers=here.headers)
        )


def watching() -> Iterator[Figure]:
    """A page of a watched chain against the addresses that are ours: one query, however many there are."""
    with house() as here:
        for more in (1_000, 19_000):
            mine = _add_deposits(here.gateway, more)
            page = mine[:20] + [f"stranger{number}" for number in range(ADDRESSES_ON_A_PAGE - 20)]
            name = f"match {ADDRESSES_ON_A_PAGE:,} addresses, {more:,} more of ours"
            yield measure(name, partial(_match, here.gateway, page))


def _add_deposits(gateway: Gateway, number: int) -> list[str]:
    network = gateway.chains.network("evm")
    planned = [plan_deposit(gateway, network, 0) for _ in range(number)]

    def insert(session: Session) -> None:
        now = gateway.clock.now(session)
        for each in planned:
            insert_deposit(
                session, each, merchant_id="mer_1", invoice_id=f"INV-{each.index}", livemode=False, now=now
            )

    gateway.db.run(insert)
    return [each.address for each in planned]


def _match(gateway: Gateway, page: list[str]) -> int:
    with gateway.db.read() as session:
        return len(ours(session, gateway.chains.network("evm").key_family.name, page))


CASES: dict[str, Case] = {"derivation": derivation, "invoices": invoices, "watching": watching}
