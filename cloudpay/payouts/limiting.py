"""Set and show what limits payouts, as `USDT@evm=1000/day` says it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cloudpay.audit.service import record
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Asset
from cloudpay.kernel.money import format_amount, parse_amount
from cloudpay.kernel.upsert import upsert
from cloudpay.merchants.errors import InvalidField
from cloudpay.merchants.keys import list_keys
from cloudpay.merchants.models import PayoutLimit
from cloudpay.merchants.service import get_merchant
from cloudpay.payouts.limits import MERCHANT, LimitKind

_NONE = "none"
_RULE = re.compile(r"(?P<symbol>[^@=]+)@(?P<network>[^@=]+)=(?P<amount>[^/]+)/(?P<kind>[a-z]+)")


@dataclass(frozen=True)
class LimitView:
    """One limit; `holder` is a key's id, or `merchant` for all of its keys together."""

    holder: str
    network: str
    currency: str
    amount: str
    kind: str


@dataclass(frozen=True)
class _Rule:
    asset: Asset
    kind: LimitKind
    units: int | None


def set_limits(
    gateway: Gateway, merchant_id: str, rules: Sequence[str], *, key_id: str | None, actor: str
) -> tuple[LimitView, ...]:
    """Set limits of a merchant or of one of its keys, all or none, and answer all there are then.

    A rule is `SYMBOL@NETWORK=AMOUNT/KIND`; the amount `none` takes a limit away. Raises `InvalidField`,
    `UnknownNetwork`, `UnknownAsset`, `UnknownMerchant`.
    """
    merchant = get_merchant(gateway, merchant_id)
    _check_holder(gateway, merchant_id, key_id)
    wanted = [_read(gateway, rule, key_id) for rule in rules]

    def work(session: Session) -> None:
        for each in wanted:
            _put(session, merchant_id, key_id or MERCHANT, merchant.livemode, each)
        record(
            session,
            actor=actor,
            action="payouts.limits_set",
            subject=key_id or merchant_id,
            merchant_id=merchant_id,
            livemode=merchant.livemode,
            details={str(number): rule for number, rule in enumerate(rules)},
        )

    gateway.db.run(work)
    return list_limits(gateway, merchant_id)


def list_limits(gateway: Gateway, merchant_id: str) -> tuple[LimitView, ...]:
    """Answer all limits of a merchant and its keys; raises `UnknownMerchant`."""
    get_merchant(gateway, merchant_id)
    row = PayoutLimit
    wanted = select(row).where(row.merchant_id == merchant_id)
    with gateway.db.read() as session:
        found = session.scalars(wanted.order_by(row.holder, row.network, row.asset, row.kind)).all()
    return tuple(_view(gateway, each) for each in found)


def _check_holder(gateway: Gateway, merchant_id: str, key_id: str | None) -> None:
    known = {each.id for each in list_keys(gateway, merchant_id)}
    if key_id is not None and key_id not in known:
        raise InvalidField(
            "key", f"This merchant has no API key {key_id!r}; see `cloudpay key list {merchant_id}`."
        )


def _read(gateway: Gateway, rule: str, key_id: str | None) -> _Rule:
    found = _RULE.fullmatch(rule.strip())
    kinds = [each.value for each in LimitKind]
    if found is None or found["kind"] not in kinds:
        raise InvalidField(
            "limit",
            f"{rule!r} cannot be read; write it as USDT@evm=1000/day, with one of: {', '.join(kinds)}.",
        )
    kind = LimitKind(found["kind"])
    if kind is LimitKind.APPROVAL and key_id is not None:
        raise InvalidField(
            "limit", "A threshold for approval is the merchant's, not a key's: leave --key out."
        )
    asset = gateway.chains.network(found["network"]).asset(found["symbol"])
    units = None if found["amount"] == _NONE else parse_amount(found["amount"], asset.decimals)
    return _Rule(asset, kind, units)


def _put(session: Session, merchant_id: str, holder: str, livemode: bool, rule: _Rule) -> None:
    where = {
        "merchant_id": merchant_id,
        "holder": holder,
        "network": rule.asset.network,
        "asset": rule.asset.key,
        "kind": rule.kind.value,
    }
    if rule.units is None:
        session.execute(delete(PayoutLimit).filter_by(**where))
        return
    statement = upsert(session, PayoutLimit).values(**where, livemode=livemode, amount=rule.units)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=list(where), set_={"amount": statement.excluded.amount}
        )
    )


def _view(gateway: Gateway, row: PayoutLimit) -> LimitView:
    network = gateway.chains.get(row.network)
    asset = network.asset_of(row.asset) if network else None
    shown = format_amount(row.amount, asset.decimals) if asset else str(row.amount)
    return LimitView(
        row.holder or "merchant", row.network, asset.symbol if asset else row.asset, shown, row.kind
    )
