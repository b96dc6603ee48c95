"""Polygon PoS: constants and tokens over the EVM plugin. Its long proof-of-authority headers need no care there."""

from collections.abc import Iterable, Mapping
from typing import Any

from cloudpay.chains.adapter import ChainDefinition
from cloudpay.kernel.plugins import hookimpl
from cloudpay_evm.networks import CIRCLE, TETHER, UNISWAP, native, token
from cloudpay_evm.plugin import definitions

# Milestones (PIP-11): the `finalized` tag follows the head by a few seconds, and Bor refuses to reorganise below it.
# Nodes take in nothing below a tip of 25 gwei (docs.polygon.technology, Polygon gas station), and of 30 where they were
# not told of the lower one: eth_feeHistory may show less, since nothing says it in the protocol (PIP-59).
_COMMON = {
    "finality": "tag",
    "confirmations": 32,
    "block_seconds": 2.0,
    "poll_seconds": 2.0,
    "native": "POL",
    "min_tip_gwei": "30",
    "fee_cap": "1.5",  # 500,000 gas, five times a dear token's transfer, at the main net's `max_fee_gwei`
}

POLYGON: Mapping[str, Any] = {
    **_COMMON,
    "name": "Polygon PoS",
    "chain_id": 137,
    "rpc_urls": (
        "https://polygon-bor-rpc.publicnode.com",
        "https://polygon.drpc.org",
        "https://polygon.gateway.tenderly.co",
        "https://1rpc.io/matic",
    ),
    "stalled_after_seconds": 60,
    "max_fee_gwei": "3000",
    # USDC is Circle's own contract, not the bridged USDC.e (0x2791Bca1f2de4661ED88A30C99A7a9449Aa84174) of old.
    "assets": {
        "POL": native(),
        "USDT": token("0xc2132D05D31c914a87C6611C10748AEb04B58e8F", 6, f"{TETHER}; {UNISWAP}"),
        "USDC": token("0x3c499c542cEF5E3811e1192ce70d8cC03d5c3359", 6, CIRCLE),
        "DAI": token("0x8f3Cf7ad23Cd3CaDbD9735AFf958023239c6A063", 18, UNISWAP),
        "WBTC": token("0x1BFD67037B42Cf73acF2047067bd4F2C47D9BfD6", 8, UNISWAP, wraps="BTC"),
    },
}
# USDT, DAI and WBTC are left out: no issuer keeps a contract on Amoy.
AMOY: Mapping[str, Any] = {
    **_COMMON,
    "name": "Polygon Amoy (test net)",
    "live": False,
    "chain_id": 80002,
    "rpc_urls": ("https://polygon-amoy-bor-rpc.publicnode.com", "https://polygon-amoy.drpc.org"),
    "stalled_after_seconds": 120,
    "assets": {
        "POL": native(),
        "USDC": token("0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582", 6, CIRCLE),
    },
}
NETWORKS: Mapping[str, Mapping[str, Any]] = {"polygon": POLYGON, "polygon-amoy": AMOY}


@hookimpl
def cloudpay_chains() -> Iterable[ChainDefinition]:
    """Declare Polygon PoS and Amoy."""
    return definitions(NETWORKS)
