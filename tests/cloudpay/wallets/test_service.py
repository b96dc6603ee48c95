import os
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.types import DEPOSIT_CHAIN, GAS_CHAIN, MASTER_CHAIN, KeyFamily
from cloudpay.kernel.db import Base, Database
from cloudpay.kernel.ids import new_id
from cloudpay.kernel.inserts import insert_rows
from cloudpay.kernel.secrets import SealKey, read_or_create_key
from cloudpay.testing import fake_address
from cloudpay.testing.clock import START
from cloudpay.wallets.errors import AccountsExhausted, WalletMissing
from cloudpay.wallets.indexes import BLOCK
from cloudpay.wallets.models import (
    AccountKeyRow,
    AddressRangeRow,
    DepositAddressRow,
    GasWalletRow,
    MasterWalletRow,
)
from cloudpay.wallets.service import (
    DepositAddress,
    assign,
    deposit,
    deposit_row,
    deposits,
    master_address,
    ours,
    plan_deposit,
)
from cloudpay.wallets.setup import derive_accounts, init_wallet

Give = Callable[[Gateway, str], DepositAddress]
FAMILY = "fake"


def another_process(gateway: Gateway) -> Gateway:
    """The same gateway as a process sees it that has just started."""
    return replace(gateway, db=Database(gateway.db.url))


def test_every_invoice_gets_an_address_of_its_own(wallet: Gateway, give: Give) -> None:
    given = [give(wallet, f"INV-{number}") for number in range(BLOCK + 3)]
    assert len({each.address for each in given}) == len(given)
    assert [each.index for each in given] == list(range(BLOCK + 3))


def test_a_deposit_address_is_the_one_below_the_accounts_public_key(wallet: Gateway, give: Give) -> None:
    given = give(wallet, "INV-1")
    with wallet.db.read() as session:
        account_key = session.get_one(AccountKeyRow, (FAMILY, 0)).xpub
    assert given.address == wallet.chains.network("evm").addresses.derive(account_key, 0, given.index)


def test_networks_of_one_key_family_share_the_indexes(wallet: Gateway) -> None:
    first = plan_deposit(wallet, wallet.chains.network("evm"), 0)
    second = plan_deposit(wallet, wallet.chains.network("fake2"), 0)
    assert first.address != second.address


def test_accounts_have_addresses_of_their_own(wallet: Gateway) -> None:
    network = wallet.chains.network("evm")
    assert plan_deposit(wallet, network, 0).address != plan_deposit(wallet, network, 1).address


def test_a_process_that_starts_anew_skips_what_the_last_one_had_reserved(wallet: Gateway) -> None:
    network = wallet.chains.network("evm")
    before = plan_deposit(wallet, network, 0)
    after = plan_deposit(another_process(wallet), network, 0)
    assert (before.index, after.index) == (0, BLOCK)


def test_processes_and_threads_side_by_side_never_hand_out_an_index_twice(wallet: Gateway) -> None:
    network, taken, lock = wallet.chains.network("evm"), [], threading.Lock()
    processes = [another_process(wallet) for _ in range(2)]

    def take(gateway: Gateway) -> None:
        mine = [plan_deposit(gateway, network, 0).index for _ in range(100)]
        with lock:
            taken.extend(mine)

    threads = [threading.Thread(target=take, args=(processes[number % 2],)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(taken) == len(set(taken)) == 600


def test_a_forked_process_does_not_hand_out_its_parents_indexes(wallet: Gateway) -> None:
    network = wallet.chains.network("evm")
    plan_deposit(wallet, network, 0)
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            wallet.db.engine.dispose(close=False)  # connections belong to the parent; the rest is as it was
            os.write(writable, str(plan_deposit(wallet, network, 0).index).encode())
        finally:
            os._exit(0)
    os.close(writable)
    os.waitpid(child, 0)
    with os.fdopen(readable) as answer:
        assert int(answer.read()) >= BLOCK


def test_most_addresses_cost_no_transaction(wallet: Gateway) -> None:
    network = wallet.chains.network("evm")
    for _ in range(BLOCK):
        plan_deposit(wallet, network, 0)
    with wallet.db.read() as session:
        assert session.scalars(select(AddressRangeRow.next_index)).all() == [BLOCK]


def test_planning_inside_a_transaction_is_refused(wallet: Gateway) -> None:
    network = wallet.chains.network("evm")
    with wallet.db.transaction(), pytest.raises(RuntimeError, match="plan_deposit"):
        plan_deposit(wallet, network, 0)


def test_an_address_is_given_once_whatever_goes_wrong_before(wallet: Gateway) -> None:
    planned = plan_deposit(wallet, wallet.chains.network("evm"), 0)

    def give_it(invoice_id: str) -> None:
        def work(session: Session) -> None:
            now = wallet.clock.now(session)
            insert_rows(session, [deposit_row(assign(planned, "mer_1", invoice_id, livemode=False, now=now))])

        wallet.db.run(work)

    give_it("INV-1")
    with pytest.raises(IntegrityError):
        give_it("INV-2")


def test_an_account_without_a_key_says_what_to_run(wallet: Gateway, seal_key: SealKey) -> None:
    network = wallet.chains.network("evm")
    with pytest.raises(AccountsExhausted, match="cloudpay wallet accounts --upto 260"):
        plan_deposit(wallet, network, 4)
    derive_accounts(wallet, seal_key, upto=5, actor="cli:test")
    assert plan_deposit(wallet, network, 4).account == 4


def test_a_family_without_keys_says_what_to_run(
    wallet: Gateway, with_family: Callable[[Gateway, KeyFamily], Gateway]
) -> None:
    later = with_family(wallet, KeyFamily("other", coin_type=195))
    with pytest.raises(AccountsExhausted, match="key family 'other'"):
        plan_deposit(later, later.chains.network("other"), 0)


def test_a_gateway_without_a_wallet_says_what_to_run(gateway: Gateway) -> None:
    with pytest.raises(WalletMissing, match="cloudpay wallet init"):
        plan_deposit(gateway, gateway.chains.network("evm"), 0)


def test_addresses_are_assigned_without_the_seal_key(gateway: Gateway, give: Give) -> None:
    path = Path(gateway.settings.data_dir) / "seal.key"
    assert path == gateway.settings.seal_key_path
    init_wallet(gateway, SealKey(read_or_create_key(path)), accounts=1, actor="cli:test")
    path.unlink()
    path.mkdir()  # whoever tried to read or make the key now would fail, also as root
    web = another_process(gateway)
    given = give(web, "INV-1")
    with web.db.read() as session:
        assert ours(session, FAMILY, [given.address]) == {given.address}
    assert master_address(web, web.chains.network("evm"), 0) != given.address


def test_the_master_address_stays_the_same_and_is_no_deposit_address(wallet: Gateway, give: Give) -> None:
    network = wallet.chains.network("evm")
    first = master_address(wallet, network, 0)
    assert first == master_address(another_process(wallet), network, 0)
    assert first != give(wallet, "INV-1").address
    assert first != master_address(wallet, network, 1)


def test_ours_are_the_deposit_addresses_of_the_family_alone(wallet: Gateway, give: Give) -> None:
    given = give(wallet, "INV-1")
    asked = [given.address, fake_address("a stranger"), 'it\'s; "quoted" 地址', ""]
    with wallet.db.read() as session:
        assert ours(session, FAMILY, asked) == {given.address}
        assert ours(session, "other", asked) == frozenset()
        assert ours(session, FAMILY, []) == frozenset()


def test_deposits_answer_whose_an_address_is(wallet: Gateway, give: Give) -> None:
    given = give(wallet, "INV-1")
    with wallet.db.read() as session:
        found = deposits(session, FAMILY, [given.address, fake_address("a stranger")])
        assert found == {given.address: given}
        assert deposit(session, given.id) == given
    assert (given.invoice_id, given.merchant_id, given.livemode) == ("INV-1", "mer_1", False)


def test_one_indexed_query_finds_few_addresses_among_thousands(wallet: Gateway) -> None:
    fill(wallet, 3_000)
    asked = [fake_address(f"deposit {number}") for number in range(0, 9_000, 3)]
    with wallet.db.read() as session:
        assert len(ours(session, FAMILY, asked)) == 1_000
        assert len(deposits(session, FAMILY, asked)) == 1_000


def test_the_query_uses_the_index_and_holds_no_list_of_variables(wallet: Gateway) -> None:
    fill(wallet, 10_000)  # of fewer, a planner rather reads all
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if "deposit_addresses" in statement:
            statements.append((statement, parameters))

    event.listen(wallet.db.engine, "before_cursor_execute", note)
    with wallet.db.read() as session:
        ours(session, FAMILY, [fake_address(f"deposit {number}") for number in range(20)])
        [(statement, parameters)] = statements
        sqlite = wallet.db.engine.dialect.name == "sqlite"
        explain = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        plan = str(session.connection().exec_driver_sql(explain + statement, parameters).all())
    assert len(parameters) == 6
    assert "uq_deposit_addresses_key_family_address" in plan or "autoindex_deposit_addresses" in plan
    assert "pk_master_wallets" in plan or "autoindex_master_wallets" in plan
    assert "pk_gas_wallets" in plan or "autoindex_gas_wallets" in plan
    assert "Seq Scan" not in plan
    assert "SCAN deposit_addresses" not in plan
    assert "SCAN master_wallets" not in plan
    assert "SCAN gas_wallets" not in plan


def fill(gateway: Gateway, count: int) -> None:
    rows = [
        {
            "key_family": FAMILY,
            "address": fake_address(f"deposit {number}"),
            "account": 0,
            "chain": DEPOSIT_CHAIN,
            "index": 1_000_000 + number,
            "merchant_id": "mer_1",
            "livemode": False,
            "created_at": START,
        }
        for number in range(count)
    ]
    deposit_rows = [{**row, "id": new_id("dep_"), "invoice_id": f"INV-{row['index']}"} for row in rows]
    gateway.db.run(lambda session: session.execute(insert(DepositAddressRow), deposit_rows))
    for model, name, chain in ((MasterWalletRow, "master", MASTER_CHAIN), (GasWalletRow, "gas", GAS_CHAIN)):
        wallet_rows = [
            {
                **row,
                "address": fake_address(f"{name} {number}"),
                "merchant_id": f"mer_{number}",
                "chain": chain,
            }
            for number, row in enumerate(rows)
        ]
        gateway.db.run(partial(_insert, model=model, rows=wallet_rows))
    if gateway.db.engine.dialect.name == "postgresql":
        tables = "deposit_addresses, master_wallets, gas_wallets"
        gateway.db.run(lambda session: session.execute(text(f"ANALYZE {tables}")))


def _insert(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    session.execute(insert(model), rows)
