from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cloudpay.chains.adapter import ChainDefinition
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.registry import load_chains
from cloudpay.chains.types import KeyFamily
from cloudpay.kernel.inserts import insert_rows
from cloudpay.kernel.plugins import hookimpl
from cloudpay.kernel.secrets import SealKey
from cloudpay.testing import FakeChain, fake_plugin
from cloudpay.wallets.service import DepositAddress, assign, deposit_row, plan_deposit
from cloudpay.wallets.setup import init_wallet

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def seal_key() -> SealKey:
    return SealKey(b"s" * 32)


@pytest.fixture
def wallet(gateway: Gateway, seal_key: SealKey) -> Gateway:
    """The gateway with a wallet of four accounts."""
    init_wallet(gateway, seal_key, accounts=4, actor="cli:test")
    return gateway


class OtherFamilyPlugin:
    """Serves `other`, whose addresses belong to a family of their own."""

    def __init__(self, family: KeyFamily) -> None:
        self._family = family

    @hookimpl
    def cloudpay_chains(self) -> Iterable[ChainDefinition]:
        [definition] = fake_plugin("other")[1].cloudpay_chains()
        return [replace(definition, key_family=self._family, open=lambda settings, code: FakeChain(code))]


@pytest.fixture
def with_family() -> Callable[[Gateway, KeyFamily], Gateway]:
    """The same gateway after a plugin was installed that serves `other`."""

    def build(gateway: Gateway, family: KeyFamily) -> Gateway:
        tables: dict[str, dict[str, str]] = {"evm": {}, "fake2": {}, "other": {}}
        chains = load_chains(tables, "evm", fake_plugin("evm", "fake2"), ("later", OtherFamilyPlugin(family)))
        return replace(gateway, chains=chains)

    return build


@pytest.fixture
def give() -> Callable[[Gateway, str], DepositAddress]:
    """Give a fresh deposit address of account 0 to an invoice."""

    def build(gateway: Gateway, invoice_id: str) -> DepositAddress:
        planned = plan_deposit(gateway, gateway.chains.network("evm"), 0)
        deposit = assign(planned, "mer_1", invoice_id, livemode=False, now=NOW)
        gateway.db.run(lambda session: insert_rows(session, [deposit_row(deposit)]))
        return deposit

    return build
