"""Every table of the gateway: importing this makes the metadata whole, for migrations and for tests."""

from cloudpay.alerts import models as alerts
from cloudpay.audit import models as audit
from cloudpay.invoices import models as invoices
from cloudpay.kernel import leases
from cloudpay.kernel.db import Base
from cloudpay.ledger import models as ledger
from cloudpay.merchants import models as merchants
from cloudpay.outbox import models as outbox
from cloudpay.payments import models as payments
from cloudpay.payments import openings, own
from cloudpay.payouts import models as payouts
from cloudpay.transactions import models as transactions
from cloudpay.wallets import freezes
from cloudpay.wallets import models as wallets
from cloudpay.wallets import own as own_transactions
from cloudpay.webhooks import models as webhooks

metadata = Base.metadata

__all__ = [
    "alerts",
    "audit",
    "freezes",
    "invoices",
    "leases",
    "ledger",
    "merchants",
    "metadata",
    "openings",
    "outbox",
    "own",
    "own_transactions",
    "payments",
    "payouts",
    "transactions",
    "wallets",
    "webhooks",
]
