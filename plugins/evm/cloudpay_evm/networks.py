"""The shipped tables: Ethereum and Sepolia. Each token says where it was read; `verify` asks the chain."""

from collections.abc import Mapping
from typing import Any


def native() -> dict[str, Any]:
    """A native coin: every EVM chain counts it in 10**18 base units."""
    return {"decimals": 18}


def token(contract: str, decimals: int, source: str, wraps: str | None = None) -> dict[str, Any]:
    """A token with its contract, its decimals and where both were read."""
    return {"contract": contract, "decimals": decimals, "source": source, "wraps": wraps}


CIRCLE = "Circle, USDC contract addresses (developers.circle.com/stablecoins/usdc-contract-addresses)"
TETHER = "Tether, supported protocols (tether.to/en/supported-protocols)"
SKY = "Sky (MakerDAO) chainlog (chainlog.sky.money)"
UNISWAP = "Uniswap default token list (github.com/Uniswap/default-token-list)"

# Finality is the beacon chain's `finalized` tag: two epochs, 13 to 15 minutes, and what cannot be reorganised without a
# third of all stake being destroyed. A shop that prefers speed sets `finality = "depth"` and its own `confirmations`.
ETHEREUM: Mapping[str, Any] = {
    "name": "Ethereum",
    "chain_id": 1,
    "rpc_urls": (
        "https://ethereum-rpc.publicnode.com",
        "https://eth.drpc.org",
        "https://eth.llamarpc.com",
        "https://1rpc.io/eth",
    ),
    "finality": "tag",
    "confirmations": 64,
    "block_seconds": 12.0,
    "poll_seconds": 4.0,
    "stalled_after_seconds": 300,
    "max_fee_gwei": "300",
    "native": "ETH",
    "assets": {
        "ETH": native(),
        "USDT": token("0xdAC17F958D2ee523a2206206994597C13D831ec7", 6, TETHER),
        "USDC": token("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6, CIRCLE),
        "DAI": token("0x6B175474E89094C44Da98b954EedeAC495271d0F", 18, SKY),
        "WBTC": token("0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599", 8, "WBTC (wbtc.network)", wraps="BTC"),
    },
}

# USDT, DAI and WBTC are left out: their issuers keep no contract on Sepolia, and a stranger's token of that name may
# change or vanish.
SEPOLIA: Mapping[str, Any] = {
    "name": "Ethereum Sepolia (test net)",
    "live": False,
    "chain_id": 11155111,
    "rpc_urls": (
        "https://ethereum-sepolia-rpc.publicnode.com",
        "https://sepolia.drpc.org",
        "https://sepolia.gateway.tenderly.co",
    ),
    "finality": "depth",
    "confirmations": 6,
    "block_seconds": 12.0,
    "poll_seconds": 4.0,
    "stalled_after_seconds": 300,
    "native": "ETH",
    "assets": {
        "ETH": native(),
        "USDC": token("0x1c7D4B196Cb0C7B01d743Fbc6116a902379C7238", 6, CIRCLE),
    },
}

NETWORKS: Mapping[str, Mapping[str, Any]] = {"evm": ETHEREUM, "sepolia": SEPOLIA}
