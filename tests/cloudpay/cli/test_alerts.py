"""What an operator sees: alerts, networks and their nodes, on the command line and in /metrics."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from cloudpay.alerts.service import Alert, open_alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.gateway import Gateway
from tests.cloudpay.shop import Shop

DISPUTE = Alert(AlertKind.NODES_DISAGREE, "evm/one.example.com", "The nodes of evm disagree.")


@pytest.fixture(autouse=True)
def own_data(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command may fall back to the settings of the folder that the tests run in."""
    monkeypatch.setenv("CLOUDPAY_DATA_DIR", gateway.settings.data_dir)


def test_alerts_are_listed_cleared_and_remembered(run: Any, gateway: Gateway) -> None:
    assert run("alerts").out.strip() == "Nothing needs a look."
    gateway.db.run(lambda session: open_alert(session, gateway, DISPUTE))
    [alert] = json.loads(run("alerts", "--json").out)
    assert alert["sentence"] == DISPUTE.sentence and alert["severity"] == "critical"
    assert "take the node that is wrong out of rpc_urls" in run("alerts").out
    assert run("alerts", "clear", alert["id"]).out.splitlines()[-1] == f"{alert['id']} is cleared."
    again = run("alerts", "clear", alert["id"])
    assert again.code == 1 and "cloudpay alerts" in again.err
    assert json.loads(run("alerts", "--history", "3", "--json").out)[0]["cleared_by"].startswith("cli:")


def test_chains_shows_networks_with_their_alerts_and_their_nodes(run: Any, shop: Shop) -> None:
    shop.mine(2)
    shop.gateway.db.run(lambda session: open_alert(session, shop.gateway, DISPUTE))
    shown = run("chains").out
    assert "fake node" in shown and "nodes_disagree" in shown and "latency" in shown
    told = {each["code"]: each for each in json.loads(run("chains", "--json").out)}
    assert told["evm"]["alerts"][0]["kind"] == "nodes_disagree" and told["fake2"]["alerts"] == []
    [node] = told["evm"]["nodes"]
    assert (node["node"], node["state"], node["score"]) == ("fake node", "up", 100)
    assert (told["evm"]["lag"], told["evm"]["age"]) == (0, 0)


def test_metrics_hold_a_number_for_every_node_and_every_kind_of_alert(
    client: FlaskClient, shop: Shop
) -> None:
    shop.mine(2)
    shop.gateway.db.run(lambda session: open_alert(session, shop.gateway, DISPUTE))
    told = client.get("/metrics").text.splitlines()
    node = 'network="evm",node="fake node"'
    for line in (
        f"cloudpay_node_score{{{node}}} 100.0",
        f'cloudpay_node_state{{{node},state="up"}} 1.0',
        f'cloudpay_node_state{{{node},state="resting"}} 0.0',
        f"cloudpay_node_failures{{{node}}} 0.0",
        'cloudpay_network_cursor{network="evm"} 3.0',
        'cloudpay_network_head_age_seconds{network="evm"} 0.0',
        'cloudpay_network_unlooked_seconds{network="evm"} 0.0',
        'cloudpay_alerts_open{kind="nodes_disagree",severity="critical"} 1.0',
        'cloudpay_alerts_open{kind="network_stalled",severity="critical"} 0.0',
    ):
        assert line in told, line
