"""What tests of money from outside look at: master wallets, their books, alerts and freezes."""

from collections.abc import Sequence

from sqlalchemy import select

from cloudpay.alerts.service import AlertView, alert_views
from cloudpay.alerts.states import AlertKind
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.payments.models import OutsideTransferRow
from cloudpay.wallets.freezes import frozen
from cloudpay.wallets.masters import master_wallet
from cloudpay.wallets.own import note_own
from tests.cloudpay.shop import Shop

ETHER = 10**18


def master(shop: Shop) -> str:
    network = shop.gateway.chains.network(shop.code)
    return master_wallet(shop.gateway, network, shop.principal.merchant_id).address


def usdt(shop: Shop) -> str:
    contract = shop.gateway.chains.network(shop.code).asset("USDT").contract
    assert contract is not None
    return contract


def booked(shop: Shop, kind: AccountKind, asset: str = "") -> int:
    with shop.gateway.db.read() as session:
        found = balances(session, shop.principal.merchant_id, livemode=False)
    return sum(each.held for key, each in found.items() if (key.kind, key.asset) == (kind, asset))


def rows(shop: Shop) -> Sequence[OutsideTransferRow]:
    with shop.gateway.db.read() as session:
        return session.scalars(select(OutsideTransferRow).order_by(OutsideTransferRow.id)).all()


def spends_told(shop: Shop) -> list[AlertView]:
    return [each for each in alert_views(shop.gateway) if each.kind is AlertKind.OUTSIDE_SPEND]


def why_frozen(shop: Shop) -> str:
    with shop.gateway.db.read() as session:
        found = frozen(session, shop.code)
        return found.reason if found else ""


def sign(shop: Shop, tx_id: str) -> None:
    """Have a transaction be one of ours, as the engine notes it before it is broadcast."""
    shop.gateway.db.run(lambda session: note_own(session, shop.code, [tx_id]))


def fund(shop: Shop, amount: int = ETHER) -> str:
    """Have an ether final in the master wallet, from outside."""
    tx = shop.chain.send(master(shop), amount)
    shop.mine(4)
    return tx
