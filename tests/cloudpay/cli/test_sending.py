"""What a person types to stop what is sent, to let it go on, and to say how much may be sent."""

import json

from cloudpay.chains.gateway import Gateway
from cloudpay.transactions.control import frozen_networks
from tests.cloudpay.cli.conftest import Run


def test_freeze_and_thaw_are_seen_by_chains_and_alerts(run: Run, gateway: Gateway) -> None:
    assert run("freeze", "--reason", "a key may be stolen").code == 0
    rows = json.loads(run("chains", "--json").out)
    assert {row["frozen"] for row in rows} == {"a key may be stolen"}
    assert "a key may be stolen" in run("alerts").out
    assert "a key may be stolen" in run("audit", "list").out
    assert run("thaw", "--reason", "false alarm").code == 0
    assert frozen_networks(gateway) == {}
    assert "sending_frozen" not in run("alerts").out


def test_one_network_is_frozen_by_its_code(run: Run, gateway: Gateway) -> None:
    assert run("freeze", "evm", "--reason", "strange payouts").code == 0
    assert [*frozen_networks(gateway)] == ["evm"]
    refused = run("freeze", "nowhere", "--reason", "a slip")
    assert refused.code == 1 and "nowhere" in refused.err


def test_thawing_what_is_not_frozen_says_so(run: Run) -> None:
    refused = run("thaw", "--reason", "never mind")
    assert refused.code == 1 and "not frozen" in refused.err


def test_the_file_of_ceilings_is_written_once(run: Run, gateway: Gateway) -> None:
    path = gateway.settings.signer_limits_path
    assert str(path) in run("wallet", "limits").out
    assert "[networks.evm.assets.USDT]" in path.read_text()
    path.write_text("# mine\n")
    assert "already" in run("wallet", "limits").out
    assert path.read_text() == "# mine\n"


def test_a_freeze_needs_a_reason(run: Run) -> None:
    assert run("freeze").code == 2
