"""docs/reference/networks.md says what the plugins' shipped tables say, token by token."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudpay.chains.network import Network
from cloudpay.chains.registry import load_chains
from cloudpay.chains.types import Finality

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "networks.md"
CODES = (
    "evm",
    "sepolia",
    "bsc",
    "bsc-testnet",
    "polygon",
    "polygon-amoy",
    "tron",
    "tron-nile",
    "tron-shasta",
)
SINGLE = {"tron-shasta"}  # served by its maker alone
MAIN_NETS = {"evm": "WBTC", "bsc": "BTCB", "polygon": "WBTC"}


@pytest.fixture(scope="module")
def networks() -> dict[str, Network]:
    """The shipped networks, as a configuration that only names them serves them."""
    chains = load_chains({code: {} for code in CODES}, "evm")
    return {code: chains.network(code) for code in CODES}


def rows(network: Network) -> Iterator[str]:
    """What the page should say of a network."""
    settings = network.settings
    final = {
        Finality.TAG: "the chain's `finalized` tag",
        Finality.SOLID: "the chain's solid block",
        Finality.DEPTH: f"{settings.confirmations} confirmations",
    }[settings.finality]
    money = "real" if network.live else "test"
    chain_id = getattr(settings, "chain_id", "—")
    yield f"| `{network.code}` | {network.name} | {chain_id} | {money} | {final} | {settings.block_seconds:g} s |"
    for symbol, asset in settings.assets.items():
        contract = f"`{asset.contract}`" if asset.contract else "native"
        source = f"{asset.source}; stands for {asset.wraps}" if asset.wraps else asset.source or "—"
        yield f"| {symbol} | {contract} | {asset.decimals} | {source} |"


def test_the_page_has_every_network_and_every_asset_and_no_other(networks: dict[str, Network]) -> None:
    wanted = [row for network in networks.values() for row in rows(network)]
    written = re.findall(r"^\| (?:`|[A-Z]).*\|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(written) == sorted(wanted), "write what is missing:\n" + "\n".join(wanted)


def test_every_main_net_lists_what_shops_take(networks: dict[str, Network]) -> None:
    for code, bitcoin in MAIN_NETS.items():
        listed = {asset.symbol for asset in networks[code].assets}
        assert {networks[code].native.symbol, "USDT", "USDC", "DAI", bitcoin} <= listed


def test_every_contract_has_its_checksum_and_its_source(networks: dict[str, Network]) -> None:
    for network in networks.values():
        for symbol, asset in network.settings.assets.items():
            if asset.contract is not None:
                assert network.addresses.parse(asset.contract) == asset.contract, (
                    f"{symbol} on {network.code}"
                )
                assert asset.source, f"{symbol} on {network.code} names no source"


def test_every_network_has_nodes_to_fail_over_to(networks: dict[str, Network]) -> None:
    for network in networks.values():
        hosts = {url.split("/")[2] for url in network.settings.rpc_urls}
        assert len(hosts) >= (1 if network.code in SINGLE else 2)
        assert all(url.startswith("https://") for url in network.settings.rpc_urls)
