"""Claims of EVM chains, `ADDRESS:nonce:NUMBER`: which are used up, and how many an address may have open."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from cloudpay.chains.types import BlockRef
from cloudpay_evm.calls import Call
from cloudpay_evm.node import Node
from cloudpay_evm.wire import AMOUNT, TEXT, number

_WORD = ":nonce:"
_DELEGATED = "0xef0100"
"""EIP-7702: what the code of an address that lends its name to a contract begins with."""


def claim_of(address: str, nonce: int) -> str:
    """Write a claim."""
    return f"{address}{_WORD}{nonce}"


def read_claim(claim: str) -> tuple[str, int]:
    """Read a claim; raises `ValueError` for a text that is none of this chain's."""
    address, word, nonce = claim.partition(_WORD)
    if not address or not word or not nonce.isdecimal():
        raise ValueError(f"{claim[:100]!r} is no claim of an EVM chain")
    return address, int(nonce)


def nonce_at(address: str, block: str | Mapping[str, Any]) -> Call[str]:
    """Ask how many transactions of an address are in the chain up to a block."""
    return Call("eth_getTransactionCount", (address, block), AMOUNT)


def consumed(node: Node, claims: Collection[str], final: BlockRef) -> frozenset[str]:
    """Answer which claims transactions up to a final block have used up, whoever signed them."""
    read = {claim: read_claim(claim) for claim in claims}
    addresses = sorted({address for address, _ in read.values()})
    place = {"blockHash": final.hash, "requireCanonical": True}  # EIP-1898
    counts = node.ask_all([nonce_at(address, place) for address in addresses])
    used = {address: number(count) for address, count in zip(addresses, counts, strict=True)}
    return frozenset(claim for claim, (address, nonce) in read.items() if nonce < used[address])


def in_flight(node: Node, sources: Sequence[str], most: int) -> Mapping[str, int]:
    """Answer how many unconfirmed transactions each address may have: nodes keep one of a delegated one."""
    codes = node.ask_all([Call("eth_getCode", (source, "latest"), TEXT) for source in sources])
    return {
        source: 1 if code.lower().startswith(_DELEGATED) else most
        for source, code in zip(sources, codes, strict=True)
    }
