"""Every command of the core: where it is, and its line in `cloudpay --help`."""

from typing import NamedTuple


class Entry(NamedTuple):
    """One command."""

    module: str
    help: str


COMMANDS = {
    "up": Entry("cloudpay.cli.up", "Run the whole gateway on this machine."),
    "doctor": Entry(
        "cloudpay.cli.doctor", "Check settings, database, Redis and every node, and say what to fix."
    ),
    "wallet": Entry("cloudpay.cli.wallet", "The seed and the addresses."),
    "merchant": Entry("cloudpay.cli.merchant", "Merchants and their payout currencies."),
    "user": Entry("cloudpay.cli.user", "People who act for a merchant."),
    "key": Entry("cloudpay.cli.key", "API keys."),
    "invoice": Entry("cloudpay.cli.invoice", "Look at invoices."),
    "payout": Entry("cloudpay.cli.payout", "Look at payouts; confirm, cancel and limit them."),
    "sweep": Entry("cloudpay.cli.sweep", "Collect from deposit addresses now, or see what is left there."),
    "webhook": Entry("cloudpay.cli.webhook", "Look at webhook deliveries, send one again."),
    "chains": Entry("cloudpay.cli.chains", "State of every network; pause and resume."),
    "freeze": Entry("cloudpay.cli.freeze", "Sign nothing more, at once."),
    "thaw": Entry("cloudpay.cli.freeze", "Let it be signed again."),
    "alerts": Entry("cloudpay.cli.alerts", "What needs a look now, and what to do."),
    "rescan": Entry("cloudpay.cli.rescan", "Read a range of blocks again."),
    "reconcile": Entry("cloudpay.cli.reconcile", "Hold the ledger against the chain, to the base unit."),
    "audit": Entry("cloudpay.cli.audit", "Who did what."),
    "database": Entry("cloudpay.cli.database", "Bring the database to this version's tables."),
    "web": Entry("cloudpay.cli.processes", "Run the web server alone."),
    "worker": Entry("cloudpay.cli.processes", "Run the worker of one queue, or of several."),
    "scheduler": Entry("cloudpay.cli.processes", "Run the scheduler alone."),
    "openapi": Entry("cloudpay.cli.openapi", "Print the OpenAPI document."),
}

HIDDEN = {"prepare": "cloudpay.cli.processes"}
"""Commands for the supervisor: name → module."""
