"""From payouts to what the API answers."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.kernel.money import format_amount
from cloudpay.kernel.paging import Page
from cloudpay.payouts.creation import Preview
from cloudpay.payouts.views import BatchView, PayoutView, Total, totals


def payout_text(gateway: Gateway, payout: PayoutView) -> str:
    """Write a payout as the API answers it."""
    return _dump(payout_answer(gateway, payout))


def batch_text(gateway: Gateway, batch: BatchView) -> str:
    """Write a batch as the API answers it."""
    return _dump(batch_answer(gateway, batch))


def single_text(gateway: Gateway, batch: BatchView) -> str:
    """Write the payout of a batch that came alone."""
    return payout_text(gateway, batch.payouts[0])


def preview_text(gateway: Gateway, preview: Preview) -> str:
    """Write what a dry run answers: the batch as it would be, without ids of its own, and whether it is covered."""
    answer = batch_answer(gateway, preview.batch)
    items = [{**each, "payout_id": None, "batch_id": None} for each in answer["items"]]
    funds = [
        {**_asset(gateway, network, asset), **_funds(gateway, network, asset, wanted, there)}
        for (network, asset), (wanted, there) in sorted(preview.funds.items())
    ]
    return _dump({**answer, "batch_id": None, "dry_run": True, "items": items, "funds": funds})


def page_text(gateway: Gateway, page: Page[PayoutView]) -> str:
    """Write a page of payouts as the API answers it."""
    items = [payout_answer(gateway, each) for each in page.items]
    return _dump(
        {"page": page.page, "limit": page.limit, "more": page.more, "anchor": page.anchor, "items": items}
    )


def batch_answer(gateway: Gateway, batch: BatchView) -> dict[str, Any]:
    """Answer the fields of `BatchSchema`."""
    networks = _networks(gateway, batch.payouts)
    return {
        "batch_id": batch.id,
        "status": batch.status.value,
        "livemode": batch.livemode,
        "auto_confirm": batch.auto_confirm,
        "approvals_needed": batch.approvals_needed,
        "callback_url": batch.callback_url,
        "dry_run": False,
        "count": len(batch.payouts),
        "created_at": batch.created_at.isoformat(),
        "completed_at": _time(batch.completed_at),
        "totals": [_total(gateway, each) for each in totals(batch.payouts)],
        "funds": None,
        "items": [_payout(networks[each.network], each) for each in batch.payouts],
    }


def payout_answer(gateway: Gateway, payout: PayoutView) -> dict[str, Any]:
    """Answer the fields of `PayoutSchema`; amounts as decimal strings."""
    return _payout(gateway.chains.get(payout.network), payout)


def _payout(network: Network | None, payout: PayoutView) -> dict[str, Any]:
    """What only a network that is served can say is None, where it has been taken out of the settings since."""
    native = network.native if network else None

    def fee(units: int | None) -> str | None:
        return None if units is None or native is None else format_amount(units, native.decimals)

    return {
        "id": payout.external_id,
        "payout_id": payout.id,
        "batch_id": payout.batch_id,
        "status": payout.status.value,
        "livemode": payout.livemode,
        "address": payout.address,
        "amount": payout.shown_amount,
        "currency": payout.symbol,
        "network": payout.network,
        "token_address": payout.asset or None,
        "priority": payout.tier.value,
        "memo": payout.memo,
        "fee_reserved": fee(payout.fee_reserved),
        "fee": fee(payout.fee),
        "fee_currency": native.symbol if native else None,
        "tx_hash": payout.tx_id,
        "reason": payout.reason or None,
        "created_at": payout.created_at.isoformat(),
        "queued_at": _time(payout.queued_at),
        "ended_at": _time(payout.ended_at),
    }


def _networks(gateway: Gateway, payouts: tuple[PayoutView, ...]) -> Mapping[str, Network | None]:
    return {each.network: gateway.chains.get(each.network) for each in payouts}


def _total(gateway: Gateway, total: Total) -> dict[str, Any]:
    network = gateway.chains.get(total.network)
    return {
        "network": total.network,
        "currency": total.symbol,
        "token_address": total.asset or None,
        "count": total.count,
        "amount": format_amount(total.amount, total.decimals),
        "fee_reserved": format_amount(total.fee, network.native.decimals) if network else None,
        "fee_currency": network.native.symbol if network else None,
    }


def _asset(gateway: Gateway, network: str, asset: str) -> dict[str, Any]:
    listed = gateway.chains.network(network).asset_of(asset)
    return {
        "network": network,
        "currency": listed.symbol if listed else asset,
        "token_address": asset or None,
    }


def _funds(gateway: Gateway, network: str, asset: str, wanted: int, there: int) -> dict[str, Any]:
    listed = gateway.chains.network(network).asset_of(asset)
    decimals = listed.decimals if listed else 0
    return {
        "needed": format_amount(wanted, decimals),
        "available": format_amount(max(there, 0), decimals),
        "covered": there >= wanted,
    }


@lru_cache(maxsize=1024)
def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _dump(answer: Mapping[str, Any]) -> str:
    """Write what is JSON already; the schema documents it, and a test holds one against the other."""
    return json.dumps(answer, separators=(",", ":"))
