"""The conformance suite's world over a real anvil node, for every plugin of the EVM family."""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import WrongChain, WrongDecimals
from cloudpay.chains.network import Asset, Network
from cloudpay.chains.registry import load_chains
from cloudpay.kernel.errors import CloudPayError
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.contracts import call_data
from cloudpay_devnet.networks import PAYER, TokenSpec
from cloudpay_devnet.sending import DEFAULT_GAS

_ACCOUNT_KEY = (  # m/44'/60'/0' of the development seed "test test … junk"
    "xpub6CmdtrZk1S8jmDLdUFHqb4tpBcCBATdA8KnDRgEwJrHUhXcdsWSg7nuC4gCvTJJ4AkSWNMfRJdVGsmGMdVkc3vLk2Gg6ojGbqMZT4yGhGnW"
)
_GAS_MONEY = 10**18


class EvmWorld:
    """A `ChainWorld` over a `DevChain`: what is sent waits until `mine`."""

    account_key = _ACCOUNT_KEY

    def __init__(self, code: str, chain: DevChain, nodes_url: str, switch: "Switch") -> None:
        self.plugin_module = f"cloudpay_{code}.plugin"
        self._code, self._chain, self._switch = code, chain, switch
        self._node = chain.node
        self._node.set_automine(False)
        self._nodes_url = nodes_url
        self._chains = load_chains({code: self.table()}, code)
        self.network: Network = self._chains.network(code)
        self.adapter: ChainAdapter = self._chains.adapter(code)
        self.token: Asset | None = self.network.asset("USDT")
        self.lookalike = self._deploy_lookalike()
        self.largest_amount = 2**96
        self.blocks_to_finality = chain.spec.confirmations - 1
        self._addresses = 0
        self._salt = int.from_bytes(secrets.token_bytes(3))

    def table(self, **changes: Any) -> dict[str, Any]:
        """The network's settings, laid over the shipped ones."""
        assets = {
            symbol: {"contract": asset.token_address, "decimals": asset.decimals}
            for symbol, asset in self._chain.network.assets.items()
        }
        plain = {
            "chain_id": self._chain.spec.chain_id,
            "rpc_urls": [self._nodes_url],
            "finality": "depth",
            "confirmations": self._chain.spec.confirmations,
            "assets": assets,
        }
        return {**plain, **changes}
