"""The networks of the simulation: each a kind of chain, with nodes that can show more or less of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cloudpay.chains.adapter import ChainDefinition
from cloudpay.chains.registry import Chains, load_chains
from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.types import Capability
from cloudpay.kernel.plugins import hookimpl
from cloudpay.testing import FakePlugin
from cloudpay.testing.plugin import fake_defaults
from tests.simulation.nodes import Node

_TOKENS, _TRACES, _HISTORY = Capability.TOKENS, Capability.TRACES, Capability.HISTORY
_SECOND_READING_BLOCKS = 4


@dataclass(frozen=True)
class Kind:
    """One network: what its nodes can show, which currencies are asked for on it, and its settings."""

    capabilities: Capability
    currencies: tuple[str, ...]
    settings: dict[str, Any]

    def with_nodes(self, besides: Capability) -> Capability:
        """Answer what its nodes can do where they can do this besides; only tokens are read a second time."""
        left_out = Capability.NONE if _TOKENS in self.capabilities else Capability.SECOND_READING
        return self.capabilities | besides & ~left_out


KINDS = {
    # All that happens is shown: native money that contracts send, by traces.
    "evm": Kind(_TOKENS | _TRACES | _HISTORY, ("ETH", "USDT", "WBTC"), {"confirmations": 3, "scan_limit": 6}),
    # What contracts send shows in balances only, and those are kept for every block.
    "ghost": Kind(_TOKENS | _HISTORY, ("FAKE", "FAKE", "USDT"), {"confirmations": 4, "scan_limit": 5}),
    # Nothing shows what contracts send but the balances of the final block; those of the newest hold what waits, too.
    "tokens": Kind(_TOKENS, ("FAKE", "USDT"), {"confirmations": 2, "scan_limit": 4}),
    # Like coins: many outputs a transaction, no token.
    "coin": Kind(_TRACES | Capability.MULTI_OUTPUT, ("FAKE",), {"confirmations": 2, "live": True}),
    # Real money: large amounts wait longer.
    "main": Kind(
        _TOKENS | _TRACES,
        ("FAKE", "USDT"),
        {
            "confirmations": 5,
            "large_confirmations": 9,
            "live": True,
            "scan_limit": 7,
            "assets": {
                "FAKE": fake_defaults("main")["assets"]["FAKE"] | {"large_amount": "50"},
                "USDT": fake_defaults("main")["assets"]["USDT"] | {"large_amount": "50"},
            },
        },
    ),
}


class _Plugin(FakePlugin):
    """The fake networks, each behind a node that a run can have lie."""

    def __init__(self) -> None:
        super().__init__(KINDS)
        self.nodes: dict[str, Node] = {}

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        """Return the settings of all networks."""
        common = {"live": False, "second_reading_blocks": _SECOND_READING_BLOCKS}
        return {code: common | kind.settings for code, kind in KINDS.items()}

    @hookimpl
    def cloudpay_chains(self) -> Iterable[ChainDefinition]:
        """Declare the fake networks."""
        return super().cloudpay_chains()

    def _open(self, settings: NetworkSettings, code: str) -> Any:
        return self.nodes.setdefault(code, Node(code, settings))


def open_networks() -> tuple[Chains, dict[str, Node]]:
    """Load the fake networks; answer them, and the node of each."""
    plugin = _Plugin()
    chains = load_chains(plugin.tables, "evm", ("fake", plugin))
    for code in KINDS:
        chains.adapter(code)
    return chains, plugin.nodes
