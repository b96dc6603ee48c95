"""Token transfers out of logs: only a listed contract's own Transfer event, of exactly the shape of EIP-20."""

import re
from collections.abc import Iterable

from cloudpay.chains.types import BlockRef, Transfer, TransferSource
from cloudpay_evm.checksum import normalised
from cloudpay_evm.errors import NodeFault
from cloudpay_evm.wire import Log, number

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256("Transfer(address,address,uint256)"), EIP-20."""

_TOPICS = 3
_WORD = re.compile("0x[0-9a-fA-F]{64}")
_PARTY = re.compile("0x0{24}[0-9a-fA-F]{40}")  # an address in a topic is 20 bytes behind 12 zeros
_ZERO = "0x" + "0" * 40
PLACES = 1_000_000
"""Room for the transfers of one transaction in `position`: native first, then traces, then logs."""
_LOGS_FROM = PLACES // 2


class Tokens:
    """The listed contracts, found in whatever case a node writes them."""

    def __init__(self, contracts: Iterable[str]) -> None:
        self._listed = {contract.lower(): contract for contract in contracts}

    def __bool__(self) -> bool:
        return bool(self._listed)

    @property
    def addresses(self) -> list[str]:
        """The contracts in lower case."""
        return list(self._listed)

    def transfers(self, logs: Iterable[Log]) -> list[Transfer]:
        """Read the transfers; left out is what is not of a listed token, is malformed, was undone, or moves nothing."""
        return [transfer for log in logs if (transfer := self._transfer(log)) is not None]

    def _transfer(self, log: Log) -> Transfer | None:
        contract = self._listed.get(log.address.lower())
        if contract is None or log.removed or len(log.topics) != _TOPICS or log.topics[0].lower() != TRANSFER:
            return None
        _, sender, recipient = log.topics
        if not _PARTY.fullmatch(sender) or not _PARTY.fullmatch(recipient):
            return None
        amount = number(log.data) if _WORD.fullmatch(log.data) else 0
        if amount == 0:
            return None
        if None in (
            log.block_hash,
            log.block_number,
            log.transaction_hash,
            log.transaction_index,
            log.log_index,
        ):
            return None  # of a block that is not there yet
        place = min(number(log.log_index or ""), _LOGS_FROM - 1)
        payer = "0x" + sender[-40:].lower()
        return Transfer(
            tx_id=log.transaction_hash or "",
            contract=contract,
            sender=None if payer == _ZERO else normalised(payer),  # a new coin has no sender
            recipient=normalised("0x" + recipient[-40:].lower()),
            amount=amount,
            block=BlockRef(number(log.block_number or ""), log.block_hash or ""),
            position=number(log.transaction_index or "") * PLACES + _LOGS_FROM + place,
            source=TransferSource.LOG,
        )


def lasting(logs: Iterable[Log]) -> list[Log]:
    """Leave out logs that say of themselves that their block was undone: as if they had not been told."""
    return [log for log in logs if not log.removed]


def require_block(logs: Iterable[Log], block: BlockRef) -> None:
    """Raise `NodeFault` when a log is of another block than the one that was asked for."""
    for log in logs:
        if log.removed:
            continue
        if log.block_hash != block.hash or (log.block_number and number(log.block_number) != block.height):
            raise NodeFault(f"it answered logs of another block than {block.height}")
