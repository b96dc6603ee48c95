"""A chain plugin over fake chains, for `load_chains` to take beside the installed ones."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cloudpay.chains.adapter import ChainDefinition
from cloudpay.chains.settings import NetworkSettings
from cloudpay.kernel.plugins import hookimpl
from cloudpay.testing.addresses import FAKE_FAMILY, FakeAddresses, fake_address
from cloudpay.testing.clock import start_time
from cloudpay.testing.fakechain import FakeChain

_ETHEREUM_LIKE: dict[str, tuple[int, str | None]] = {"ETH": (18, None), "USDT": (6, None), "WBTC": (8, "BTC")}
_OTHER: dict[str, tuple[int, str | None]] = {"FAKE": (18, None), "USDT": (18, None)}


class FakePlugin:
    """Serves one `FakeChain` for each of its networks; `chains` holds them by code, for the test to script."""

    def __init__(self, networks: Iterable[str], unix: Callable[[], int] = start_time) -> None:
        self.chains = {code: FakeChain(code, unix=unix) for code in networks}

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        """The smallest `networks` settings that serve all of them."""
        return {code: {} for code in self.chains}

    def contract(self, network: str, symbol: str) -> str:
        """The contract of a listed token."""
        return fake_contract(network, symbol)

    @hookimpl
    def cloudpay_chains(self) -> Iterable[ChainDefinition]:
        """Declare the fake networks."""
        return tuple(self._definition(code) for code in self.chains)

    def _definition(self, code: str) -> ChainDefinition:
        return ChainDefinition(
            network=code,
            key_family=FAKE_FAMILY,
            settings_schema=NetworkSettings,
            addresses=lambda _settings, network: FakeAddresses(network),
            open=self._open,
            defaults=fake_defaults(code),
            family="fake",
            sends=True,
        )

    def _open(self, settings: NetworkSettings, code: str) -> FakeChain:
        chain = self.chains.setdefault(code, FakeChain(code))
        chain.settings = settings
        return chain


def fake_plugin(*networks: str, unix: Callable[[], int] = start_time) -> tuple[str, FakePlugin]:
    """Answer a plugin to give to `load_chains`, by default with the networks `evm` and `fake2`.

    `evm` has ETH (18 decimals), USDT (6) and WBTC (8, wraps BTC); any other FAKE (18) and USDT (18). Blocks carry the
    time that `unix` answers.
    """
    return "fake", FakePlugin(networks or ("evm", "fake2"), unix)


def fake_contract(network: str, symbol: str) -> str:
    """Answer the contract of a token that the fake network lists."""
    return fake_address(f"contract {symbol} on {network}")


def fake_defaults(network: str) -> Mapping[str, Any]:
    """Answer the settings table that the fake plugin ships for a network."""
    assets = _ETHEREUM_LIKE if network == "evm" else _OTHER
    native = next(iter(assets))
    return {
        "name": f"Fake {network}",
        "live": False,
        "rpc_urls": [f"fake://{network}"],
        "confirmations": 3,
        "poll_seconds": 0.1,
        "native": native,
        "assets": {
            symbol: {
                "decimals": decimals,
                "contract": None if symbol == native else fake_contract(network, symbol),
                "wraps": wraps,
            }
            for symbol, (decimals, wraps) in assets.items()
        },
    }
