"""Transfers of tokens that nobody listed, looked for on demand: any contract's Transfer log to one address."""

from collections.abc import Collection, Mapping, Sequence

from cloudpay.chains.types import ForeignTransfer, Holding
from cloudpay_evm import erc20
from cloudpay_evm.calls import Call, block_at
from cloudpay_evm.checksum import normalised
from cloudpay_evm.errors import NodeFault, Refused
from cloudpay_evm.node import Node
from cloudpay_evm.transfers import TRANSFER, Tokens
from cloudpay_evm.wire import LOGS, TEXT, Log

_MOST_DECIMALS = (
    77  # a contract may claim any number; with more, not even the largest amount has a digit to show
)


def transfers(
    node: Node, listed: Collection[str], address: str, heights: range, size: int
) -> tuple[ForeignTransfer, ...]:
    """Answer the transfers to an address in blocks by tokens whose contract, in lower case, is not `listed`.

    Raises `NodeFault`, also for a node that is not as far as the last of the blocks.
    """
    if node.ask(block_at(heights[-1])) is None:
        raise NodeFault(f"it has no block {heights[-1]} yet")
    logs = [log for log in _logs_to(node, address, heights, size) if log.address.lower() not in listed]
    contracts = sorted({normalised(log.address) for log in logs})
    found = Tokens(contracts).transfers(logs)
    told = _described(node, sorted({each.contract or "" for each in found}))
    return tuple(
        ForeignTransfer(
            tx_id=each.tx_id,
            contract=each.contract or "",
            symbol=told[each.contract or ""][0],
            decimals=told[each.contract or ""][1],
            sender=each.sender,
            amount=each.amount,
            height=each.block.height,
        )
        for each in sorted(found, key=lambda each: (each.block.height, each.position))
    )


def stuck(node: Node, balances: Mapping[Holding, int], recipient: str) -> frozenset[Holding]:
    """Have each holder send all that it has, without a transaction; what a token refuses is stuck."""
    calls = [
        Call(
            "eth_call",
            (
                {"from": each.address, "to": each.contract, "data": erc20.transfer(recipient, units)},
                "latest",
            ),
            TEXT,
        )
        for each, units in balances.items()
    ]
    answers = node.try_all(calls)
    return frozenset(
        holding
        for holding, answer in zip(balances, answers, strict=True)
        # Some tokens answer nothing, as USDT does on Ethereum; one that answers false has refused.
        if isinstance(answer, Refused) or erc20.unsigned(answer) == 0
    )


def _logs_to(node: Node, address: str, heights: range, size: int) -> list[Log]:
    """Ask range by range; one that is refused is halved, down to one block."""
    receiver = "0x" + address.removeprefix("0x").lower().rjust(64, "0")
    found: list[Log] = []
    first = heights.start
    while first < heights.stop:
        last = min(first + size, heights.stop) - 1
        asked = {"fromBlock": hex(first), "toBlock": hex(last), "topics": [TRANSFER, None, receiver]}
        try:
            logs: list[Log] = node.ask(Call("eth_getLogs", (asked,), LOGS))
        except Refused:
            if first == last:
                raise
            size = max(1, (last - first + 1) // 2)
            continue
        found += logs
        first = last + 1
    return found


def _described(node: Node, contracts: Sequence[str]) -> dict[str, tuple[str, int | None]]:
    """Ask contracts what they call themselves; one that does not answer has no name and no decimals."""
    calls = [
        Call("eth_call", ({"to": contract, "data": data}, "latest"), TEXT)
        for contract in contracts
        for data in (erc20.SYMBOL, erc20.DECIMALS)
    ]
    answers = node.try_all(calls)
    described: dict[str, tuple[str, int | None]] = {}
    for contract, symbol, decimals in zip(contracts, answers[::2], answers[1::2], strict=True):
        name = "" if isinstance(symbol, Refused) else erc20.text(symbol)
        places = None if isinstance(decimals, Refused) else erc20.unsigned(decimals)
        described[contract] = (name, places if places is not None and places <= _MOST_DECIMALS else None)
    return described
