"""A shop on a TRON node of its own, whose chain makes blocks when it is told."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from google.protobuf.message import Message

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.spending import KeyPath
from cloudpay.chains.types import MASTER_CHAIN
from cloudpay.kernel.secrets import KEY_BYTES
from cloudpay.testing import SeedSigner
from cloudpay_devnet.networks import DevNetwork
from cloudpay_devnet.tron.network import TronChain
from cloudpay_devnet.tron.transactions import id_of
from tests.flows.realshop import CONFIRMATIONS, WALLETS, RealShop, open_real_shop

TRX = 10**6
"""Sun in a TRX."""
DOLLAR = 10**6
BROADCASTS = "/wallet/broadcasthex"
"""Where transactions are handed in."""


def tron_table(network: DevNetwork, **changes: Any) -> dict[str, Any]:
    """The table of the development chain."""
    assets = {
        symbol: {
            "decimals": asset.decimals,
            **({"contract": asset.token_address} if asset.token_address else {}),
        }
        for symbol, asset in network.assets.items()
    }
    return {
        "family": "tron", "live": False, "rpc_urls": [network.rpc_url], "native": network.native_symbol,
        "assets": assets, "fee_cap": "1000", "stalled_after_seconds": 86_400, **network.settings, **changes,
    }  # fmt: skip


def begin(chain: TronChain, solid_lag: int = CONFIRMATIONS) -> TronChain:
    """Begin a new chain on a node, whose solid block is so far behind the newest one."""
    chain.node.reset()
    chain.node.set_block_time(None)
    chain.node.control("parameters", solid_lag=solid_lag)
    chain.node.mine(20)  # so many that a fork may go deep
    return chain


@contextmanager
def open_tron_shop(
    folder: Path, chain: TronChain, database_url: str | None, **changes: Any
) -> Iterator[RealShop]:
    """Open a shop that can send."""
    tables = {"tron": tron_table(chain.network, **changes)}
    with open_real_shop(folder, database_url, {"tron": cast("Any", chain)}, tables) as shop:
        shop.gateway.settings.seal_key_path.write_text(base64.b64encode(bytes(KEY_BYTES)).decode())
        yield shop


def send_past_the_gateway(chain: TronChain, contract: Message) -> str:
    """Sign with the first merchant's master key, as whoever has the seed can; answers the transaction's id."""
    transaction = chain.desk.framed(contract)
    signer = SeedSigner(WALLETS[0], coin_type=195)
    transaction.signature.append(signer.sign(KeyPath(0, MASTER_CHAIN, 0), id_of(transaction)))
    told = chain.desk.sent(transaction)
    assert told.get("result"), told
    return str(told["txid"])


def answers(work: Callable[[], object]) -> bool:
    """Do something that asks the node; False where it does not answer."""
    try:
        work()
    except NodeUnavailable:
        return False
    return True
