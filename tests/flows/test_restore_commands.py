"""The wallet's commands as an operator runs them: processes of their own, over a real node, with nothing to be seen."""

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cloudpay_devnet.chain import DevChain
from tests.flows.realshop import network_table
from tests.flows.running import CLOUDPAY, wait_for

pytestmark = [pytest.mark.flow, pytest.mark.slow, pytest.mark.timeout(240)]

PASSPHRASE = "correct horse battery staple"


def toml(table: dict[str, Any], name: str) -> str:
    """Write a table whose values are plain, or tables themselves."""
    plain = [
        f"{key} = {json.dumps(value)}"
        for key, value in table.items()
        if value is not None and not isinstance(value, dict)
    ]
    inner = [toml(value, f"{name}.{key}") for key, value in table.items() if isinstance(value, dict)]
    return "\n".join([f"[{name}]", *plain, "", *inner])


class Machine:
    """A folder with a settings file, in which commands are run."""

    def __init__(self, home: Path, chain: DevChain) -> None:
        self.home, self.data = home, home / "data"
        self.seen: list[str] = []
        settings = f"data_dir = {json.dumps(str(self.data))}\n\n{toml(network_table(chain), 'networks.evm')}"
        (home / "cloudpay.toml").write_text(settings)
        (home / "passphrase").write_text(f"{PASSPHRASE}\n")

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command; all that it shows, and all that others can see of it, is kept."""
        command = [CLOUDPAY, *arguments]
        process = subprocess.Popen(
            command, cwd=self.home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        proc = Path(f"/proc/{process.pid}")
        wait_for("the command", lambda: arguments[-1] in (proc / "cmdline").read_text())
        self.seen += [(proc / "cmdline").read_text(), (proc / "environ").read_text()]
        out, err = process.communicate(timeout=100)
        assert process.returncode == code, err
        self.seen += [out, err]
        return out


def test_a_wallet_goes_from_machine_to_machine_by_its_file_and_shows_nothing(
    tmp_path: Path, evm_chain: DevChain
) -> None:
    machine = Machine(tmp_path, evm_chain)
    made = json.loads(machine.run("wallet", "init", "--new", "--json"))
    machine.seen.clear()  # its words are shown once, and these are they
    merchant = json.loads(
        machine.run("merchant", "create", "Tea Shop", "--test", "--payout", "evm=ETH", "--json")
    )
    [master] = json.loads(machine.run("wallet", "masters", "--json"))
    evm_chain.fund(master["master_wallet"], "ETH", 3 * 10**18)
    evm_chain.node.mine(5)
    machine.run("wallet", "backup", "w.backup", "--passphrase-file", "passphrase")
    machine.run("wallet", "verify", "w.backup", "--passphrase-file", "passphrase")
    shutil.rmtree(machine.data)

    told = json.loads(
        machine.run(
            "wallet", "restore", "w.backup", "--passphrase-file", "passphrase", "--ahead", "10", "--json"
        )
    )

    assert (told["fingerprint"], told["fresh"]) == (made["fingerprint"], True)
    assert [(each["currency"], each["in_masters"]) for each in told["found"]] == [("ETH", "3.00")]
    assert json.loads(machine.run("wallet", "masters", "--json")) == [master]
    assert merchant["id"] == master["merchant_id"]
    machine.run("thaw", "--reason", "compared", "--reconciled")  # it was frozen, or this would be refused
    words = made["words"].split()
    for text in machine.seen:
        assert PASSPHRASE not in text
        assert not any(" ".join(pair) in text for pair in pairwise(words))
