"""Deposit addresses: what every invoice derives, from the account's public key alone."""

import time

from bench.report import Figure, Scale
from cloudpay.chains.registry import load_chains
from cloudpay.wallets.seed import make_words
from cloudpay.wallets.signer import MasterKey

_ETHEREUM = 60  # SLIP-44
_GOAL = 10_000


def derivations(scale: Scale) -> list[Figure]:
    """Derive ever new addresses of one account in one thread."""
    xpub = MasterKey.from_words(make_words()).account_public_keys(_ETHEREUM, range(1))[0]
    table = {"rpc_urls": ["http://127.0.0.1:9"]}
    addresses = load_chains({"evm": table}, "evm").network("evm").addresses
    seconds, count = scale.of(5, 1), 0
    began = time.process_time()  # other programs on this core do not count
    while time.process_time() - began < seconds:
        for _ in range(100):
            addresses.derive(xpub, 0, count)
            count += 1
    rate = count / (time.process_time() - began)
    return [
        Figure(
            "EVM deposit addresses", rate, "per second of one core", "one thread, no database", at_least=_GOAL
        )
    ]
