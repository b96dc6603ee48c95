"""The shipped tables: TRON and its test nets. Each token says where it was read; `verify` asks the chain."""

from collections.abc import Mapping
from typing import Any


def native() -> dict[str, Any]:
    """TRX is counted in sun, a millionth."""
    return {"decimals": 6}


def token(contract: str, decimals: int, source: str) -> dict[str, Any]:
    """A token with its contract, its decimals and where both were read."""
    return {"contract": contract, "decimals": decimals, "source": source}


TETHER = "Tether, supported protocols (tether.to/en/supported-protocols)"
JUSTLEND = "JustLend DAO, list of its markets"
TEST_NET_LISTS = "lists of wallets and of TRON's own tests; no issuer keeps a contract there"

# A block is solid when 19 of the 27 producers have built on it: about a minute. Circle has minted no USDC on TRON since
# 20 February 2024 and redeemed it until February 2025 (circle.com, "Discontinuing support for USDC on the TRON
# blockchain"), so it is not listed; nor is the first USDD, of which everybody was asked to change to the second.
TRON: Mapping[str, Any] = {
    "name": "TRON",
    "genesis": "00000000000000001ebf88508a03865c71d452e25f4d51194196a1d22b6653dc",
    "rpc_urls": ("https://api.trongrid.io", "https://tron-rpc.publicnode.com"),
    "finality": "solid",
    "block_seconds": 3.0,
    "poll_seconds": 3.0,
    "stalled_after_seconds": 120,
    "scan_limit": 50,
    "native": "TRX",
    "assets": {
        "TRX": native(),
        "USDT": token("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", 6, TETHER),
        "USDD": token("TXDk8mbtRbXeYuMNS83CfKPaYYT8XWv9Hz", 18, JUSTLEND),
    },
}

NILE: Mapping[str, Any] = {
    **TRON,
    "name": "TRON Nile (test net)",
    "live": False,
    "genesis": "0000000000000000d698d4192c56cb6be724a558448e2684802de4d6cd8690dc",
    "rpc_urls": ("https://nile.trongrid.io", "https://api.nileex.io"),
    "assets": {
        "TRX": native(),
        "USDT": token("TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf", 6, TEST_NET_LISTS),
        "USDD": token("TGjgvdTWWrybVLaVeFqSyVqJQWjxqRYbaK", 18, TEST_NET_LISTS),
    },
}

SHASTA: Mapping[str, Any] = {
    **TRON,
    "name": "TRON Shasta (test net)",
    "live": False,
    "genesis": "0000000000000000de1aa88295e1fcf982742f773e0419c5a9c134c994a9059e",
    "rpc_urls": ("https://api.shasta.trongrid.io",),  # nobody else serves it to the public
    "assets": {
        "TRX": native(),
        "USDT": token("TG3XXyExBkPp9nzdajDZsozEu4BkaSJozs", 6, TEST_NET_LISTS),
    },
}

NETWORKS: Mapping[str, Mapping[str, Any]] = {"tron": TRON, "tron-nile": NILE, "tron-shasta": SHASTA}
