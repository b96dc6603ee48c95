"""Every blueprint that the application serves."""

from flask import Blueprint as Pages

from cloudpay.checkout.views import blueprint as checkout
from cloudpay.invoices.api import blueprint as invoices
from cloudpay.kernel.http import Blueprint
from cloudpay.payouts.api import blueprint as payouts
from cloudpay.wallets.api import blueprint as wallets
from cloudpay.webhooks.api import blueprint as webhooks

API: tuple[Blueprint, ...] = (invoices, payouts, wallets, webhooks)
"""The merchant API: in the OpenAPI document, behind an API key."""

PAGES: tuple[Pages, ...] = (checkout,)
"""What payers see."""
