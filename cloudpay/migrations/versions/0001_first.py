"""The first tables."""

import sqlalchemy as sa
from alembic import op

from cloudpay.kernel.append_only import triggers
from cloudpay.kernel.columns import BaseUnits, Moment, RunningTotal

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915  # one statement for each table and index
    """Apply this step."""
    op.create_table(
        "account_keys",
        sa.Column("key_family", sa.String(length=40), nullable=False),
        sa.Column("account", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("xpub", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("key_family", "account", name="pk_account_keys"),
    )
    op.create_table(
        "address_ranges",
        sa.Column("key_family", sa.String(length=40), nullable=False),
        sa.Column("account", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("chain", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next_index", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key_family", "account", "chain", name="pk_address_ranges"),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("advice", sa.Text(), nullable=False),
        sa.Column("opened_at", Moment(), nullable=False),
        sa.Column("cleared_at", Moment(), nullable=True),
        sa.Column("cleared_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_cleared_at", "alerts", ["cleared_at"], unique=False)
    op.create_index(
        "ix_alerts_open",
        "alerts",
        ["kind", "subject"],
        unique=True,
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("action", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_merchant_id", "audit_entries", ["merchant_id"], unique=False)

    op.create_table(
        "blocks",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("height", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=100), nullable=False),
        sa.Column("parent", sa.String(length=100), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("node", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("network", "height", name="pk_blocks"),
    )
    op.create_table(
        "deposit_addresses",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("key_family", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("invoice_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deposit_addresses"),
        sa.UniqueConstraint(
            "key_family",
            "account",
            "chain",
            "index",
            name="uq_deposit_addresses_key_family_account_chain_index",
        ),
        sa.UniqueConstraint("key_family", "address", name="uq_deposit_addresses_key_family_address"),
    )
    op.create_index("ix_deposit_addresses_invoice_id", "deposit_addresses", ["invoice_id"], unique=False)
    op.create_index("ix_deposit_addresses_merchant_id", "deposit_addresses", ["merchant_id"], unique=False)

    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("asset", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("debits", RunningTotal(), nullable=False),
        sa.Column("credits", RunningTotal(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_accounts"),
        sa.UniqueConstraint(
            "merchant_id",
            "livemode",
            "network",
            "asset",
            "kind",
            name="uq_ledger_accounts_merchant_id_livemode_network_asset_kind",
        ),
    )
    op.create_table(
        "ledger_journals",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger_journals"),
        sa.UniqueConstraint("reference", name="uq_ledger_journals_reference"),
    )
    op.create_table(
        "merchants",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("account_index", sa.Integer(), nullable=False),
        sa.Column("invoice_expiry_minutes", sa.Integer(), nullable=True),
        sa.Column("webhook_secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_webhook_secret", sa.LargeBinary(), nullable=True),
        sa.Column("previous_webhook_secret_until", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_merchants"),
        sa.UniqueConstraint("account_index", name="uq_merchants_account_index"),
    )
    op.create_table(
        "network_nodes",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("node", sa.String(length=300), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("rests_until", Moment(), nullable=True),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("down_since", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("network", "node", name="pk_network_nodes"),
    )
    op.create_table(
        "networks",
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cursor_height", sa.BigInteger(), nullable=True),
        sa.Column("cursor_hash", sa.String(length=100), nullable=True),
        sa.Column("head_height", sa.BigInteger(), nullable=True),
        sa.Column("head_moved_at", Moment(), nullable=True),
        sa.Column("final_height", sa.BigInteger(), nullable=True),
        sa.Column("finality", sa.String(length=10), nullable=True),
        sa.Column("node", sa.String(length=300), nullable=True),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("polled_at", Moment(), nullable=True),
        sa.Column("genesis_hash", sa.String(length=100), nullable=True),
        sa.Column("final_moved_at", Moment(), nullable=True),
        sa.Column("reread_height", sa.BigInteger(), nullable=True),
        sa.Column("catch_up_from", sa.BigInteger(), nullable=True),
        sa.Column("catch_up_to", sa.BigInteger(), nullable=True),
        sa.Column("catch_up_done_at", Moment(), nullable=True),
        sa.Column("untraced_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("code", name="pk_networks"),
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=60), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("claim", sa.String(length=100), nullable=True),
        sa.Column("claimed_until", Moment(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("handled_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("handled_at IS NULL"),
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_index("ix_outbox_handled_at", "outbox", ["handled_at"], unique=False)

    op.create_table(
        "sealed_seeds",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.String(length=8), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_sealed_seeds"),
    )
    op.create_table(
        "webhook_slots",
        sa.Column("endpoint", sa.String(length=300), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(length=100), nullable=True),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("taken_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "number", name="pk_webhook_slots"),
    )
    op.create_index("ix_webhook_slots_claim", "webhook_slots", ["claim"], unique=False)

    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("hint", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("addresses", sa.JSON(), nullable=False),
        sa.Column("rate_limit", sa.String(length=100), nullable=True),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.Column("last_used_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name="fk_api_keys_merchant_id_merchants"),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    op.create_index("ix_api_keys_merchant_id", "api_keys", ["merchant_id"], unique=False)

    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("route", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_idempotency_keys_merchant_id_merchants"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_idempotency_keys"),
        sa.UniqueConstraint("merchant_id", "route", "key", name="uq_idempotency_keys_merchant_id_route_key"),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)

    op.create_table(
        "invoices",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("exception", sa.String(length=20), nullable=True),
        sa.Column("customer_name", sa.String(length=200), nullable=False),
        sa.Column("notification_emails", sa.Text(), nullable=False),
        sa.Column("undeliverable", sa.Text(), nullable=False),
        sa.Column("callback_url", sa.String(length=2048), nullable=True),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("total_usd", sa.String(length=40), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("paid_at", Moment(), nullable=True),
        sa.Column("paid_tx", sa.String(length=120), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name="fk_invoices_merchant_id_merchants"),
        sa.PrimaryKeyConstraint("id", name="pk_invoices"),
    )
    op.create_index("ix_invoices_merchant_id_id", "invoices", ["merchant_id", "id"], unique=False)
    op.create_index(
        "ix_invoices_open_status_expires_at",
        "invoices",
        ["status", "expires_at"],
        unique=False,
        sqlite_where=sa.text("status IN ('pending', 'confirming')"),
        postgresql_where=sa.text("status IN ('pending', 'confirming')"),
    )
    op.create_index(
        "ix_invoices_reversed",
        "invoices",
        ["status"],
        unique=False,
        sqlite_where=sa.text("status = 'reversed'"),
        postgresql_where=sa.text("status = 'reversed'"),
    )

    op.create_table(
        "ledger_entries",
        sa.Column("journal_id", sa.String(length=40), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=40), nullable=False),
        sa.Column("side", sa.String(length=6), nullable=False),
        sa.Column("amount", BaseUnits(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["ledger_accounts.id"], name="fk_ledger_entries_account_id_ledger_accounts"
        ),
        sa.ForeignKeyConstraint(
            ["journal_id"], ["ledger_journals.id"], name="fk_ledger_entries_journal_id_ledger_journals"
        ),
        sa.PrimaryKeyConstraint("journal_id", "line", name="pk_ledger_entries"),
    )
    op.create_index("ix_ledger_entries_account_id", "ledger_entries", ["account_id"], unique=False)

    op.create_table(
        "native_watches",
        sa.Column("deposit_address_id", sa.String(length=40), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("look_at", Moment(), nullable=False),
        sa.Column("owed_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deposit_address_id"],
            ["deposit_addresses.id"],
            name="fk_native_watches_deposit_address_id_deposit_addresses",
        ),
        sa.PrimaryKeyConstraint("deposit_address_id", "network", name="pk_native_watches"),
    )
    op.create_index(
        "ix_native_watches_network_look_at", "native_watches", ["network", "look_at"], unique=False
    )
    op.create_index(
        "ix_native_watches_network_owed_at", "native_watches", ["network", "owed_at"], unique=False
    )

    op.create_table(
        "own_transfers",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("tx_id", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("incoming", sa.Boolean(), nullable=False),
        sa.Column("asset", sa.String(length=100), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("amount", BaseUnits(), nullable=False),
        sa.Column("block_height", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "network", "tx_id", "address", "incoming", "asset", "ordinal", name="pk_own_transfers"
        ),
    )
    op.create_index("ix_own_transfers_network_address", "own_transfers", ["network", "address"], unique=False)

    op.create_table(
        "payments",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("invoice_id", sa.String(length=40), nullable=False),
        sa.Column("deposit_address_id", sa.String(length=40), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("asset", sa.String(length=100), nullable=False),
        sa.Column("tx_id", sa.String(length=120), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("sender", sa.String(length=120), nullable=True),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("amount", BaseUnits(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("block_height", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=100), nullable=False),
        sa.Column("block_time", Moment(), nullable=False),
        sa.Column("first_seen_at", Moment(), nullable=False),
        sa.Column("final_at", Moment(), nullable=True),
        sa.Column("credits", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deposit_address_id"],
            ["deposit_addresses.id"],
            name="fk_payments_deposit_address_id_deposit_addresses",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payments"),
        sa.UniqueConstraint(
            "network",
            "tx_id",
            "address",
            "asset",
            "ordinal",
            name="uq_payments_network_tx_id_address_asset_ordinal",
        ),
    )
    op.create_index("ix_payments_invoice_id", "payments", ["invoice_id"], unique=False)
    op.create_index("ix_payments_network_address", "payments", ["network", "address"], unique=False)
    op.create_index(
        "ix_payments_network_status_height", "payments", ["network", "status", "block_height"], unique=False
    )

    op.create_table(
        "payout_currencies",
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_payout_currencies_merchant_id_merchants"
        ),
        sa.PrimaryKeyConstraint("merchant_id", "network", name="pk_payout_currencies"),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name="fk_users_merchant_id_merchants"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("merchant_id", "email", name="uq_users_merchant_id_email"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.String(length=80), nullable=False),
        sa.Column("event_type", sa.String(length=60), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=True),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("invoice_id", sa.String(length=40), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("endpoint", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("attempts_in_series", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", Moment(), nullable=True),
        sa.Column("claim", sa.String(length=100), nullable=True),
        sa.Column("claimed_at", Moment(), nullable=True),
        sa.Column("claimed_until", Moment(), nullable=True),
        sa.Column("last_status_code", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_webhook_deliveries_merchant_id_merchants"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_deliveries"),
        sa.UniqueConstraint("event_id", name="uq_webhook_deliveries_event_id"),
    )
    op.create_index(
        "ix_webhook_deliveries_due", "webhook_deliveries", ["status", "next_attempt_at"], unique=False
    )
    op.create_index(
        "ix_webhook_deliveries_endpoint_due",
        "webhook_deliveries",
        ["endpoint", "status", "next_attempt_at"],
        unique=False,
    )
    op.create_index("ix_webhook_deliveries_finished_at", "webhook_deliveries", ["finished_at"], unique=False)
    op.create_index("ix_webhook_deliveries_invoice_id", "webhook_deliveries", ["invoice_id"], unique=False)
    op.create_index(
        "ix_webhook_deliveries_merchant", "webhook_deliveries", ["merchant_id", "id"], unique=False
    )

    op.create_table(
        "payment_options",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("invoice_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("asset", sa.String(length=120), nullable=False),
        sa.Column("symbol", sa.String(length=20), nullable=False),
        sa.Column("decimals", sa.Integer(), nullable=False),
        sa.Column("amount", BaseUnits(), nullable=False),
        sa.Column("deposit_address_id", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("rate", sa.String(length=60), nullable=True),
        sa.Column("rate_source", sa.String(length=40), nullable=True),
        sa.Column("quoted_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deposit_address_id"],
            ["deposit_addresses.id"],
            name="fk_payment_options_deposit_address_id_deposit_addresses",
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name="fk_payment_options_invoice_id_invoices"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payment_options"),
    )
    op.create_index("ix_payment_options_invoice_id", "payment_options", ["invoice_id"], unique=False)

    op.create_table(
        "webhook_attempts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("delivery_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("series", sa.Integer(), nullable=False),
        sa.Column("started_at", Moment(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["webhook_deliveries.id"],
            name="fk_webhook_attempts_delivery_id_webhook_deliveries",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_attempts"),
        sa.UniqueConstraint("delivery_id", "number", name="uq_webhook_attempts_delivery_id_number"),
    )
    dialect = op.get_bind().dialect.name
    for table in ("audit_entries", "ledger_journals", "ledger_entries"):
        for statement in triggers(table, dialect):
            op.execute(statement)
