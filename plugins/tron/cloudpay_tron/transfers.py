"""Money that moved in a block: native transfers, those of contracts, and listed tokens' own Transfer logs."""

from collections.abc import Iterable, Iterator, Sequence

from cloudpay.chains.nodes.faults import NodeFault
from cloudpay.chains.types import BlockRef, Transfer, TransferSource
from cloudpay_tron.forms import PREFIX, from_hex, from_word, to_hex
from cloudpay_tron.wire import Info, Internal, Log, Transaction

TRANSFER = "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
"""keccak256("Transfer(address,address,uint256)"), TIP-20."""

_TOPICS = 3
_WORD = 64
_SUCCESS = "SUCCESS"
PLACES = 1_000_000
"""Room for the transfers of one transaction in `position`: native first, then internal ones, then logs."""
_INTERNAL_FROM, _LOGS_FROM = 1, PLACES // 2
_MOVING = frozenset(note.encode().hex() for note in ("call", "create", "suicide"))
"""The notes of internal transactions by which TRX changes hands (java-tron, `Program.addInternalTx`)."""


def succeeded(info: Info) -> bool:
    """Say whether a transaction has succeeded by its result: without a contract there is no word for it."""
    return info.result != "FAILED" and info.receipt.result in ("", _SUCCESS)


class BlockReader:
    """Reads transfers out of a block and its results; `internal` says whether contracts' TRX is reported, too."""

    def __init__(self, contracts: Iterable[str], *, internal: bool) -> None:
        self._listed = {to_hex(contract)[len(PREFIX.hex()) :]: contract for contract in contracts}
        self._internal = internal

    def read(
        self, block: BlockRef, transactions: Sequence[Transaction], infos: Sequence[Info]
    ) -> list[Transfer]:
        """Answer what moved; only transactions that have succeeded by both their block and their result moved any."""
        by_id = {info.id: info for info in infos}
        found: list[Transfer] = []
        for place, transaction in enumerate(transactions):
            info = by_id[transaction.tx_id]
            contract_ret = transaction.ret[0].contract_ret if transaction.ret else ""
            if contract_ret == _SUCCESS and succeeded(info):
                found += self._of_transaction(block, place * PLACES, transaction, info)
        return found

    def _of_transaction(
        self, block: BlockRef, base: int, transaction: Transaction, info: Info
    ) -> Iterator[Transfer]:
        tx_id = transaction.tx_id
        plain = _native(transaction)
        if plain is not None:
            sender, recipient, amount = plain
            yield Transfer(tx_id, None, sender, recipient, amount, block, base, TransferSource.NATIVE)
        if info.receipt.result != _SUCCESS:
            return  # no contract ran
        if self._internal:
            for number, moved in enumerate(_moved(info.internal)):
                sender, recipient, amount = moved
                place = base + _INTERNAL_FROM + number
                yield Transfer(tx_id, None, sender, recipient, amount, block, place, TransferSource.TRACE)
        for number, log in enumerate(info.log):
            token = self._token(log)
            if token is not None:
                contract, payer, recipient, amount = token
                place = base + _LOGS_FROM + number
                yield Transfer(tx_id, contract, payer, recipient, amount, block, place, TransferSource.LOG)

    def _token(self, log: Log) -> tuple[str, str | None, str, int] | None:
        """Read a listed contract's Transfer; left out is what has another shape, or moves nothing."""
        contract = self._listed.get(log.address.lower()[-40:])
        if contract is None or len(log.topics) != _TOPICS or log.topics[0].lower() != TRANSFER:
            return None
        try:
            sender, recipient = (from_word(bytes.fromhex(topic)) for topic in log.topics[1:])
            amount = int.from_bytes(bytes.fromhex(log.data)) if len(log.data) == _WORD else 0
        except ValueError:
            return None
        if sender is None or recipient is None or amount == 0:
            return None
        minted = not any(bytes.fromhex(log.topics[1]))
        return contract, None if minted else sender, recipient, amount


def token_moved(logs: Iterable[Log], contract: str, sender: str, recipient: str) -> bool:
    """Say whether logs tell that a token went from one to another."""
    reader = BlockReader([contract], internal=False)
    told = (reader._token(log) for log in logs)  # noqa: SLF001  # its own module's
    return any(each is not None and each[1:3] == (sender, recipient) for each in told)


def hold_results(height: int, transactions: Sequence[Transaction], infos: Sequence[Info]) -> None:
    """Raise `NodeFault` unless there is one result for each transaction: an empty answer is never believed."""
    ids = [info.id for info in infos]
    wanted = {transaction.tx_id for transaction in transactions}
    if len(ids) != len(wanted) or set(ids) != wanted or any(info.height != height for info in infos):
        raise NodeFault(
            f"of the {len(wanted)} transactions of block {height} it told {len(ids)} results, or others"
        )


def _native(transaction: Transaction) -> tuple[str, str, int] | None:
    """TRX that the transaction itself moves; TRC-10 (`TransferAssetContract`) is none, whatever its name."""
    if len(transaction.raw_data.contract) != 1:
        return None
    contract = transaction.raw_data.contract[0]
    value = contract.parameter.value
    if contract.type == "TransferContract":
        recipient, amount = value.to_address, value.amount
    elif contract.type == "TriggerSmartContract":
        recipient, amount = value.contract_address, value.call_value
    else:
        return None
    return (_address(value.owner_address), _address(recipient), amount) if amount > 0 else None


def _moved(internal: Iterable[Internal]) -> Iterator[tuple[str, str, int]]:
    """TRX that contracts sent. Only a call, a creation and a self-destruction move any.

    java-tron writes an entry of the same shape for staking, too: where a contract lends energy to an address
    (`delegateResourceOfEnergy`), the amount is the stake in sun and the recipient who may use it, yet no TRX moves. So
    it is with `unDelegateResourceOf…`, `freeze…`, `unfreeze…`, `withdraw…` and `voteWitness`; what has no note, or one
    that nobody knows, is no money either.
    """
    for each in internal:
        if each.rejected or each.note.lower() not in _MOVING:
            continue
        for value in each.values:
            if value.call_value > 0 and not value.token_id:
                yield _address(each.caller), _address(each.to), value.call_value


def _address(digits: str) -> str:
    try:
        return from_hex(digits.lower())
    except ValueError:
        raise NodeFault(f"it wrote {digits[:60]!r} where an address belongs") from None
