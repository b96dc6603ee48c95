"""Two readings of the same blocks against each other: what one of them left out, and which node that was."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from sqlalchemy import or_, select, union_all
from sqlalchemy.orm import Session

from cloudpay.alerts.service import Alert, open_alert
from cloudpay.alerts.states import AlertKind
from cloudpay.chains.adapter import Reading
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.types import Transfer, TransferSource
from cloudpay.kernel.log import get_logger
from cloudpay.payments import blocks
from cloudpay.payments.models import OutsideTransferRow, PaymentRow
from cloudpay.payments.observe import observe
from cloudpay.payments.states import PaymentStatus

log = get_logger(__name__)


@dataclass(frozen=True)
class Compared:
    """A second reading from block `first` on; `times` holds Unix seconds by height of the blocks that pay us."""

    first: int
    reading: Reading
    times: Mapping[int, int]


def compare(session: Session, gateway: Gateway, network: Network, second: Compared) -> bool:
    """Take in what the first reading left out, and name its node in an alert.

    False when the second reading leaves out what the first has shown: it proves nothing then, and its node is named.
    """
    reading = second.reading
    hidden = _hidden(session, network, second)
    if hidden:
        _tell(session, gateway, network, reading.node, min(hidden))
    transfers = numbered_as_known(session, network, reading.transfers)
    before = _known(session, network, transfers)
    observe(session, gateway, network, transfers, second.times)
    for payment_id, height in (_known(session, network, transfers) - before) if transfers else ():
        log.warning("payment_found_late", network=network.code, payment=payment_id, height=height)
        first_nodes = sorted(blocks.tellers(session, network.code, height, height))
        _tell(session, gateway, network, ", ".join(first_nodes), height)
    return not hidden


def _tell(session: Session, gateway: Gateway, network: Network, node: str, height: int) -> None:
    who = f"The node {node}" if node else "A node"
    sentence = f"{who} of {network.code} left out logs of payments when it told block {height}."
    subject = f"{network.code}/{node}" if node else network.code
    open_alert(session, gateway, Alert(AlertKind.NODE_LEFT_OUT_LOGS, subject, sentence))


def _known(session: Session, network: Network, transfers: Iterable[Transfer]) -> set[tuple[str, int]]:
    """Answer the payments and the moves past us that lie in these transactions, each with its block's height.

    One that is no payment because nothing of it arrived was told of all the same: it has the block that it was told in.
    """
    tx_ids = {each.tx_id for each in transfers}
    told_in = {each.block.hash for each in transfers}
    rows = union_all(
        *(
            select(row.id, row.block_height).where(
                row.network == network.code,
                row.tx_id.in_(tx_ids),
                or_(row.status != PaymentStatus.ORPHANED, row.block_hash.in_(told_in)),
            )
            for row in (PaymentRow, OutsideTransferRow)
        )
    )
    return {(found, height) for found, height in session.execute(rows)}


def _hidden(session: Session, network: Network, second: Compared) -> set[int]:
    """Answer the heights of what the first reading has in listed tokens and the second has not."""
    listed = [asset.key for asset in network.assets if asset.contract]
    rows = union_all(
        *(
            select(row.tx_id, row.address, row.asset, row.block_height).where(
                row.network == network.code,
                row.status.in_([PaymentStatus.CONFIRMING, PaymentStatus.FINAL]),
                row.block_height.between(second.first, second.reading.last.height),
                row.source == TransferSource.LOG.value,
                row.asset.in_(listed),
            )
            for row in (PaymentRow, OutsideTransferRow)
        )
    )
    told = {
        (each.tx_id, party, each.contract)
        for each in second.reading.transfers
        for party in (each.recipient, each.sender)
    }
    found = session.execute(rows)
    return {height for tx_id, address, asset, height in found if (tx_id, address, asset) not in told}


def numbered_as_known(session: Session, network: Network, transfers: Iterable[Transfer]) -> list[Transfer]:
    """Give transfers of one transaction to one address the places that those already known have by their amounts.

    Where the first of two was left out, the second was numbered as the first; what is new must be the other one. For
    blocks that are read again; what comes twice is one.
    """
    ordered = sorted(set(transfers), key=_group)
    numbered: list[Transfer] = []
    for (tx_id, address, contract), members in groupby(ordered, key=_group):
        same = sorted(members, key=lambda each: each.position)
        if len(same) > 1:
            amounts = session.scalars(
                select(PaymentRow.amount)
                .where(
                    PaymentRow.network == network.code,
                    PaymentRow.tx_id == tx_id,
                    PaymentRow.address == address,
                    PaymentRow.asset == contract,
                )
                .order_by(PaymentRow.ordinal)
            ).all()
            places = [each.position for each in same]
            same = [
                replace(each, position=place)
                for each, place in zip(_in_order(same, amounts), places, strict=True)
            ]
        numbered += same
    return numbered


def _in_order(transfers: Sequence[Transfer], amounts: Sequence[int]) -> list[Transfer]:
    left, first = list(transfers), []
    for amount in amounts:
        match = next((each for each in left if each.amount == amount), left[0] if left else None)
        if match is not None:
            left.remove(match)
            first.append(match)
    return [*first, *left]


def _group(transfer: Transfer) -> tuple[str, str, str]:
    return transfer.tx_id, transfer.recipient, transfer.contract or ""
