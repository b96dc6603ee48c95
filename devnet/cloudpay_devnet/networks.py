"""The development networks as data: what `start` needs to know, and what the demo and tests are told."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cloudpay_devnet.errors import UnknownDevNetwork


class Kind(StrEnum):
    """Which sort of client speaks to a node; a network's `family` names the plugin that serves it."""

    EVM = "evm"
    TRON = "tron"


@dataclass(frozen=True)
class DevAccount:
    """An account whose private key everybody knows. Real money sent to it is gone within seconds."""

    address: str
    private_key: str


# Accounts 0 and 1 of anvil's default mnemonic "test test … junk", published in every Ethereum tutorial.
PAYER = DevAccount(
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
)
FAUCET = DevAccount(
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
)


@dataclass(frozen=True)
class TokenSpec:
    """A token to deploy; `silent` tokens return nothing from transfer, as USDT on Ethereum does."""

    symbol: str
    name: str
    decimals: int
    silent: bool = False


@dataclass(frozen=True)
class NetworkSpec:
    """A development network before it runs."""

    name: str
    family: str
    chain_id: int
    native_symbol: str
    tokens: tuple[TokenSpec, ...]
    native_decimals: int = 18
    slots_in_epoch: int = 3

    @property
    def confirmations(self) -> int:
        """The depth at which the node calls a block finalized, so that a five-block reorg stays above it."""
        return 2 * self.slots_in_epoch


# The decimals are those of the real USDT contracts on these networks.
_SPECS = (
    NetworkSpec("evm", "evm", 31337, "ETH", (TokenSpec("USDT", "Tether USD", 6, silent=True),)),
    NetworkSpec("bsc", "bsc", 31356, "BNB", (TokenSpec("USDT", "Tether USD", 18),)),
    NetworkSpec("polygon", "polygon", 31437, "POL", (TokenSpec("USDT", "Tether USD", 6),)),
)
NETWORKS: Mapping[str, NetworkSpec] = {spec.name: spec for spec in _SPECS}


def network_spec(name: str) -> NetworkSpec:
    """The development network of that name; raises UnknownDevNetwork."""
    if name not in NETWORKS:
        raise UnknownDevNetwork(name, list(NETWORKS))
    return NETWORKS[name]


@dataclass(frozen=True)
class DevAsset:
    """An asset of a running development network; `token_address` is None for the native coin.

    `purse` is how many whole units the demo's master wallet begins with.
    """

    token_address: str | None
    decimals: int
    purse: int = 1_000


@dataclass(frozen=True)
class DevNetwork:
    """A running development network, as the demo file and the tests see it.

    `settings` is what a gateway's table of it holds beside what every network's does: which chain it is, and when its
    blocks are final.
    """

    name: str
    kind: Kind
    family: str
    rpc_url: str
    chain_id: int
    confirmations: int
    assets: Mapping[str, DevAsset]
    payer: DevAccount
    pid: int
    native_symbol: str
    settings: Mapping[str, Any]
