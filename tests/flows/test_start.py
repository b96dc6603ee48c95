"""A gateway that is configured wrongly does not start, and says in one sentence what to fix."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudpay_devnet.chain import DevChain
from tests.flows.running import CLOUDPAY

pytestmark = pytest.mark.flow

_TABLE = """
data_dir = "{folder}"
default_network = "fork"

[web]
port = {port}

[networks.fork]
family = "{family}"
live = false
chain_id = {chain_id}
rpc_urls = ["{rpc_url}"]
native = "ETH"
finality = "depth"
confirmations = 3

[networks.fork.assets.ETH]
decimals = 18

[networks.fork.assets.USDT]
contract = "{contract}"
decimals = {decimals}
"""

Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(tmp_path: Path, evm_chain: DevChain, unused_port: int) -> Start:
    """Start `cloudpay up` on a real node with one thing changed; answers how it ended."""

    def run(**changes: object) -> "subprocess.CompletedProcess[str]":
        network = evm_chain.network
        good: dict[str, object] = {
            "folder": tmp_path,
            "port": unused_port,
            "family": "evm",
            "chain_id": network.chain_id,
            "rpc_url": network.rpc_url,
            "contract": network.assets["USDT"].token_address,
            "decimals": network.assets["USDT"].decimals,
        }
        file = tmp_path / "cloudpay.toml"
        file.write_text(_TABLE.format(**{**good, **changes}), encoding="utf-8")
        command = [CLOUDPAY, "--config", str(file), "up"]
        return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)

    return run


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"chain_id": 1}, "is on chain 31337, not 1. Correct rpc_urls or chain_id of [networks.fork]"),
        ({"decimals": 18}, "USDT on fork has 6 decimals on the chain, but 18 in the configuration"),
        ({"family": "solana"}, "no installed plugin serves 'solana'"),
        ({"decimals": "six"}, "[networks.fork]"),
    ],
    ids=["wrong chain id (F42)", "wrong decimals (F17)", "unknown network", "a value that does not fit"],
)
def test_a_wrong_configuration_stops_the_start(
    start: Start, changes: dict[str, object], sentence: str
) -> None:
    if changes.get("decimals") == "six":
        changes = {"decimals": '"six"'}
    ended = start(**changes)
    assert ended.returncode != 0
    assert sentence in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr
