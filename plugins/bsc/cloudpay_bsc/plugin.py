"""BNB Smart Chain: constants and tokens over the EVM plugin. Its long proof-of-authority headers need no care there."""

from collections.abc import Iterable, Mapping
from typing import Any

from cloudpay.chains.adapter import ChainDefinition
from cloudpay.kernel.plugins import hookimpl
from cloudpay_evm.networks import native, token
from cloudpay_evm.plugin import definitions

# The tokens that Binance issues on BSC against reserves elsewhere: all with 18 decimals, also USDT and USDC.
PEGGED = "Binance-Peg token list (bscscan.com, tokens issued by Binance)"
FAUCET = "BNB Chain test-net faucet (docs.bnbchain.org, faucet)"

# Fast finality (BEP-126): the `finalized` tag follows the head by two or three blocks of 0.45 s (BEP-619).
_COMMON = {
    "finality": "tag",
    "confirmations": 15,
    "block_seconds": 0.45,
    "poll_seconds": 2.0,
    "notice_seconds": 1.0,  # a look for each block would ask a public node ten times a second and more
    "native": "BNB",
    "fee_cap": "0.01",  # 500,000 gas, five times a dear token's transfer, at the main net's `max_fee_gwei`
}

BSC: Mapping[str, Any] = {
    **_COMMON,
    "name": "BNB Smart Chain",
    "chain_id": 56,
    "rpc_urls": (
        "https://bsc-dataseed.bnbchain.org",
        "https://bsc-rpc.publicnode.com",
        "https://bsc-dataseed.nariox.org",
        "https://bsc.drpc.org",
    ),
    "stalled_after_seconds": 60,
    "min_tip_gwei": "0.05",  # the least that nodes take in (node-real/bsc-erigon, pull request 773)
    "max_fee_gwei": "20",
    "assets": {
        "BNB": native(),
        "USDT": token("0x55d398326f99059fF775485246999027B3197955", 18, PEGGED),
        "USDC": token("0x8AC76a51cc950d9822D68b83fE1Ad97B32Cd580d", 18, PEGGED),
        "DAI": token("0x1AF3F329e8BE154074D8769D1FFa4eE058B1DBc3", 18, PEGGED),
        "BTCB": token("0x7130d2A12B9BCbFAe4f2634d864A1Ee1Ce3Ead9c", 18, PEGGED, wraps="BTC"),
    },
}
BSC_TESTNET: Mapping[str, Any] = {
    **_COMMON,
    "name": "BNB Smart Chain (test net)",
    "live": False,
    "chain_id": 97,
    "rpc_urls": (
        "https://bsc-testnet-dataseed.bnbchain.org",
        "https://bsc-testnet-rpc.publicnode.com",
        "https://bsc-testnet.drpc.org",
    ),
    "stalled_after_seconds": 120,
    "min_tip_gwei": "0.1",  # twice the main net's (chainflip-io/chainflip-eth-contracts, pull request 535)
    "assets": {
        "BNB": native(),
        "USDT": token("0x337610d27c682E347C9cD60BD4b3b107C9d34dDd", 18, FAUCET),
        "USDC": token("0x64544969ed7EBf5f083679233325356EbE738930", 18, FAUCET),
        "DAI": token("0xEC5dCb5Dbf4B114C9d0F65BcCAb49EC54F6A0867", 18, FAUCET),
        "BTCB": token("0x6ce8dA28E2f864420840cF74474eFf5fD80E65B8", 18, FAUCET, wraps="BTC"),
    },
}
NETWORKS: Mapping[str, Mapping[str, Any]] = {"bsc": BSC, "bsc-testnet": BSC_TESTNET}


@hookimpl
def cloudpay_chains() -> Iterable[ChainDefinition]:
    """Declare BNB Smart Chain and its test net."""
    return definitions(NETWORKS)
