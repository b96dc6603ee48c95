"""The registry serves what is configured and served by a plugin, or says what to change."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from cloudpay.chains.adapter import ChainDefinition
from cloudpay.chains.errors import NetworkCannotSend, UnknownAsset, UnknownNetwork
from cloudpay.chains.registry import NetworkNotServed, load_chains
from cloudpay.chains.types import Capability
from cloudpay.kernel import plugins
from cloudpay.kernel.errors import CloudPayError, ConfigurationError
from cloudpay.kernel.plugins import BrokenPlugin, hookimpl
from cloudpay.kernel.settings import InvalidSettings
from cloudpay.testing import FakeChain, fake_contract, fake_plugin


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda group: [])


class Declares:
    """A plugin whose hook answers what it is given, or does what it is given."""

    def __init__(self, *definitions: Any, fails: Exception | None = None) -> None:
        self.definitions, self.fails = definitions, fails

    @hookimpl
    def cloudpay_chains(self) -> Iterable[ChainDefinition]:
        if self.fails:
            raise self.fails
        return self.definitions


def _definition(network: str = "evm") -> ChainDefinition:
    (made,) = fake_plugin(network)[1].cloudpay_chains()
    return made


def _refusal(tables: dict[str, Any], *extra: tuple[str, Any], default: str = "evm") -> tuple[type, str]:
    with pytest.raises(CloudPayError) as raised:
        load_chains(tables, default, *(extra or [fake_plugin()]))
    return raised.type, str(raised.value)


def test_a_network_is_served_with_its_shipped_table() -> None:
    evm = load_chains({"evm": {}}, "evm", fake_plugin()).network("EVM")
    assert (evm.code, evm.family, evm.live, evm.native.symbol) == ("evm", "fake", False, "ETH")
    assert [(asset.symbol, asset.decimals) for asset in evm.assets] == [("ETH", 18), ("USDT", 6), ("WBTC", 8)]
    assert evm.asset("usdt").key == fake_contract("evm", "USDT")
    assert evm.asset_of("") == evm.native


def test_the_users_table_is_laid_over_the_shipped_one_asset_by_asset() -> None:
    table = {"confirmations": 30, "assets": {"USDT": {"contract": "other", "decimals": 18}}}
    evm = load_chains({"evm": table}, "evm", fake_plugin()).network("evm")
    assert evm.settings.confirmations == 30
    assert (evm.asset("USDT").contract, evm.asset("USDT").decimals) == ("other", 18)
    assert evm.asset("WBTC").wraps == "BTC"


def test_a_network_of_a_known_family_needs_no_code() -> None:
    table = {
        "family": "evm",
        "rpc_urls": ["fake://arbitrum"],
        "native": "AETH",
        "assets": {"AETH": {"decimals": 18}},
    }
    chains = load_chains({"arbitrum": table}, "arbitrum", fake_plugin("evm"))
    arbitrum = chains.network("arbitrum")
    assert (arbitrum.code, arbitrum.family, arbitrum.name) == ("arbitrum", "fake", "arbitrum")
    assert [asset.symbol for asset in arbitrum.assets] == ["AETH"]
    adapter = chains.adapter("arbitrum")
    assert isinstance(adapter, FakeChain)
    assert adapter.network == "arbitrum"


def test_an_adapter_is_opened_once_and_only_when_asked_for() -> None:
    opened: list[str] = []

    def open_it(_settings: Any, code: str) -> FakeChain:
        opened.append(code)
        return FakeChain(code)

    plugin = Declares(replace(_definition("evm"), open=open_it), replace(_definition("fake2"), open=open_it))
    chains = load_chains({"evm": {}, "fake2": {}}, "evm", ("lazy", plugin))
    assert opened == []
    assert chains.adapter("evm") is chains.adapter("EVM")
    assert opened == ["evm"]


def test_an_adapter_to_send_with_is_had_where_the_plugin_sends_alone() -> None:
    name, plugin = fake_plugin("evm", "fake2")
    plugin.chains["fake2"].capabilities &= ~Capability.SENDS
    chains = load_chains(plugin.tables, "evm", (name, plugin))
    assert chains.spending("evm") is plugin.chains["evm"]
    with pytest.raises(NetworkCannotSend, match="fake2 only takes money in"):
        chains.spending("fake2")


def test_a_configured_network_that_nobody_serves_stops_the_start() -> None:
    kind, sentence = _refusal({"evm": {}, "tron": {}})
    assert kind is NetworkNotServed
    assert sentence == (
        "[networks.tron] is configured, but no installed plugin serves 'tron'. Install its plugin (pip install "
        "cloudpay-tron), set `family` to one of: evm, fake2, or remove the table."
    )


def test_an_unknown_family_stops_the_start() -> None:
    kind, sentence = _refusal({"evm": {}, "arbitrum": {"family": "emv"}})
    assert kind is NetworkNotServed
    assert sentence.startswith("[networks.arbitrum] is configured, but no installed plugin serves 'emv'.")


def test_with_no_plugin_at_all_the_sentence_says_so() -> None:
    with pytest.raises(NetworkNotServed, match="no plugin is installed"):
        load_chains({"evm": {}}, "evm")


def test_a_hook_that_fails_stops_the_start_and_names_the_plugin() -> None:
    kind, sentence = _refusal({"evm": {}}, ("mychain", Declares(fails=ValueError("no table"))))
    assert kind is BrokenPlugin
    assert sentence.startswith(
        "The plugin 'mychain' cannot be used: its hook failed with ValueError: no table."
    )


def test_a_hook_that_declares_something_else_stops_the_start() -> None:
    kind, sentence = _refusal({"evm": {}}, ("mychain", Declares("evm")))
    assert kind is BrokenPlugin
    assert "its hook declared 'evm', which is not a ChainDefinition" in sentence


def test_two_plugins_with_one_network_stop_the_start() -> None:
    kind, sentence = _refusal({"evm": {}}, ("one", Declares(_definition())), ("two", Declares(_definition())))
    assert kind is BrokenPlugin
    assert "it declares 'evm', which another plugin serves too" in sentence
    assert sentence.startswith(("The plugin 'one'", "The plugin 'two'"))


def test_a_plugin_given_by_hand_stands_in_for_an_installed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = replace(_definition(), family="installed")
    point = _Point("installed", Declares(installed))
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point])
    assert load_chains({"evm": {}}, "evm").network("evm").family == "installed"
    assert load_chains({"evm": {}}, "evm", fake_plugin("evm")).network("evm").family == "fake"


def test_a_default_network_that_is_not_configured_stops_the_start() -> None:
    kind, sentence = _refusal({"fake2": {}})
    assert kind is ConfigurationError
    assert sentence == (
        "default_network is 'evm', but there is no [networks.evm]. Set default_network to a configured one."
    )


def test_a_gateway_without_networks_starts() -> None:
    chains = load_chains({}, "evm", fake_plugin())
    assert list(chains) == []
    with pytest.raises(UnknownNetwork, match="none is configured"):
        chains.network("evm")


@pytest.mark.parametrize(
    "table",
    [{"native": "BNB"}, {"native": ""}, {"native": "USDT"}],
    ids=["not listed", "not named", "a token"],
)
def test_a_network_without_its_native_coin_stops_the_start(table: dict[str, Any]) -> None:
    kind, sentence = _refusal({"evm": table})
    assert kind is ConfigurationError
    assert sentence == (
        "[networks.evm] must list its native coin: set `native` and an asset of that symbol without a contract."
    )


def test_a_network_without_nodes_stops_the_start() -> None:
    kind, sentence = _refusal({"evm": {"rpc_urls": []}})
    assert kind is ConfigurationError
    assert sentence == "[networks.evm] has no rpc_urls: name at least one node."


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"confirmation": 3}, "confirmation"),
        ({"confirmations": 0}, "confirmations"),
        ({"finality": "x"}, "finality"),
    ],
    ids=["misspelt key", "out of range", "no such choice"],
)
def test_a_table_that_does_not_fit_names_its_key(table: dict[str, Any], named: str) -> None:
    kind, sentence = _refusal({"evm": table})
    assert kind is InvalidSettings
    assert "[networks.evm]" in sentence
    assert named in sentence


def test_a_request_for_an_unknown_network_names_the_known_ones() -> None:
    chains = load_chains({"evm": {}, "fake2": {}}, "evm", fake_plugin())
    with pytest.raises(UnknownNetwork, match="no network 'tron' here; choose one of: evm, fake2"):
        chains.network("tron")
    with pytest.raises(UnknownAsset, match="'DAI' is not listed on evm; choose one of: ETH, USDT, WBTC"):
        chains.find_asset("DAI", "evm")


@pytest.mark.parametrize(
    ("symbol", "network", "found"),
    [
        ("usdt", None, ("evm", "USDT")),
        ("USDT", "fake2", ("fake2", "USDT")),
        ("eth", None, ("evm", "ETH")),
        ("FAKE", None, ("fake2", "FAKE")),
        ("BTC", None, ("evm", "WBTC")),
    ],
)
def test_a_currency_means_what_the_rules_say(
    symbol: str, network: str | None, found: tuple[str, str]
) -> None:
    asset = load_chains({"evm": {}, "fake2": {}}, "evm", fake_plugin()).find_asset(symbol, network)
    assert (asset.network, asset.symbol) == found


def test_a_native_coin_comes_before_the_token_that_wraps_it() -> None:
    bitcoin = {"family": "evm", "rpc_urls": ["fake://b"], "native": "BTC", "assets": {"BTC": {"decimals": 8}}}
    chains = load_chains({"evm": {}, "bitcoin": bitcoin}, "evm", fake_plugin())
    assert chains.find_asset("BTC", None) == chains.network("bitcoin").native
    with pytest.raises(UnknownAsset):
        chains.find_asset("BTC", "evm")


class _Point:
    """An entry point whose plugin is at hand."""

    value = "at hand"

    def __init__(self, name: str, plugin: object) -> None:
        self.name, self._plugin = name, plugin
        self.load: Callable[[], object] = lambda: self._plugin


def test_a_table_without_a_contract_is_about_the_shipped_asset_and_one_with_it_stands_for_itself() -> None:
    name, fakes = fake_plugin()
    shipped = fakes.contract("evm", "USDT")
    tables = {"evm": {"live": False, "assets": {"USDT": {"large_amount": "5"}}}}
    usdt = load_chains(tables, "evm", (name, fakes)).network("evm").asset("USDT")
    assert (usdt.contract, usdt.decimals, usdt.large_amount) == (shipped, 6, 5_000_000)
    other = {"contract": fakes.contract("evm", "WBTC"), "decimals": 8}
    tables["evm"]["assets"] = {"WBTC": other}
    wbtc = load_chains(tables, "evm", (name, fakes)).network("evm").asset("WBTC")
    assert (wbtc.contract, wbtc.wraps) == (other["contract"], None)
