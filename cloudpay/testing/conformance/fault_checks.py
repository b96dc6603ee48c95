"""Checks of what goes wrong: wrong nodes, no nodes, calls at the wrong time, imports at the wrong time."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from cloudpay.chains.errors import NodeUnavailable, WrongChain, WrongDecimals
from cloudpay.chains.types import Capability, Holding
from cloudpay.testing.conformance.tools import (
    RecordingWatch,
    eventually,
    hold_refused_inside_a_transaction,
    tip,
)
from cloudpay.testing.conformance.world import ChainWorld

HEAVY = ("web3", "tronpy", "eth_account", "embit", "eth")
_DECLARE = """
import importlib, sys
from cloudpay.chains.errors import InvalidAddress
from cloudpay.kernel.settings import convert_settings
plugin = importlib.import_module(sys.argv[1])
for definition in getattr(plugin, "cloudpay_chains", tuple)():
    settings = convert_settings(definition.defaults, definition.settings_schema, where=definition.network)
    try:
        definition.addresses(settings, definition.network).parse("?")
    except InvalidAddress:
        pass
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


class FaultChecks:
    """What an adapter does when something is wrong (faults F41, F42)."""

    def test_verify_accepts_the_right_node(self, world: ChainWorld) -> None:
        world.adapter.verify()

    def test_verify_finds_a_wrong_chain_and_wrong_decimals(self, world: ChainWorld) -> None:
        wrong = world.misconfigured()
        assert WrongChain in wrong, "the world must offer an adapter on the wrong chain"
        tokens = Capability.TOKENS in world.adapter.capabilities
        assert WrongDecimals in wrong or not tokens, "the world must offer an adapter with wrong decimals"
        for error, adapter in wrong.items():
            with pytest.raises(error) as raised:
                adapter.verify()
            assert raised.type is error
            assert world.network.code in str(raised.value), "the sentence does not name the network"

    def test_without_nodes_nothing_is_claimed(self, world: ChainWorld) -> None:
        block = tip(world)
        calls = _node_calls(world)
        with world.nodes_down():
            for call in calls:
                with pytest.raises(NodeUnavailable):
                    call()
            health = world.adapter.health()
        assert health and all(each.failures > 0 and each.last_error for each in health), (
            "health hides the failure"
        )
        assert all(each.score < 100 for each in health), "a node that does not answer has the full score"
        assert eventually(world.adapter.head, NodeUnavailable).latest.ref == block

    def test_a_node_is_never_asked_inside_a_database_transaction(self, world: ChainWorld) -> None:
        tip(world)
        hold_refused_inside_a_transaction(_node_calls(world))

    def test_declaring_networks_imports_nothing_heavy(self, world: ChainWorld) -> None:
        done = subprocess.run(
            [sys.executable, "-c", _DECLARE, world.plugin_module],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        heavy = sorted(set(done.stdout.split()) & set(HEAVY))
        assert not heavy, f"declaring {world.plugin_module} imports {', '.join(heavy)}; import them in `open`"

    def test_capabilities_are_flags_and_fit_the_assets(self, world: ChainWorld) -> None:
        capabilities = world.adapter.capabilities
        assert type(capabilities) is Capability
        tokens = [asset.symbol for asset in world.network.assets if asset.contract]
        assert not tokens or Capability.TOKENS in capabilities, f"{tokens} are listed without TOKENS"


def _node_calls(world: ChainWorld) -> list[Callable[[], object]]:
    """Every call that asks a node something; prepared while there still is one."""
    adapter, block, address = world.adapter, world.adapter.head().latest.ref, world.new_address()
    return [
        adapter.head,
        adapter.verify,
        lambda: adapter.scan(block, 5, RecordingWatch()),
        lambda: adapter.header_at(block.height),
        lambda: adapter.balances([Holding(address, None)], block),
        lambda: adapter.statuses(["0x" + "11" * 32]),
    ]
