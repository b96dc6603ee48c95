"""Payouts: batches, items, limits, what went out by day, who agreed."""

import sqlalchemy as sa
from alembic import op

from cloudpay.kernel.columns import BaseUnits, Moment, RunningTotal

revision = "0004_payouts"
down_revision = "0003_engine"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "payout_batches",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("auto_confirm", sa.Boolean(), nullable=False),
        sa.Column("accepted_as", sa.String(length=24), nullable=False),
        sa.Column("callback_url", sa.String(length=2048), nullable=True),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("completed_at", Moment(), nullable=True),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("awaiting", sa.Integer(), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("approvals_needed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_payout_batches_merchant_id_merchants"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_payout_batches"),
    )
    op.create_index("ix_payout_batches_merchant_id_id", "payout_batches", ["merchant_id", "id"], unique=False)

    op.create_table(
        "payout_limits",
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("holder", sa.String(length=40), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("asset", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("amount", BaseUnits(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_payout_limits_merchant_id_merchants"
        ),
        sa.PrimaryKeyConstraint("merchant_id", "holder", "network", "asset", "kind", name="pk_payout_limits"),
    )
    op.create_table(
        "payout_usages",
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=180), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("asset", sa.String(length=100), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("total", RunningTotal(), nullable=False),
        sa.ForeignKeyConstraint(
            ["merchant_id"], ["merchants.id"], name="fk_payout_usages_merchant_id_merchants"
        ),
        sa.PrimaryKeyConstraint("merchant_id", "subject", "network", "asset", "day", name="pk_payout_usages"),
    )
    op.create_table(
        "payout_approvals",
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("approved_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["payout_batches.id"], name="fk_payout_approvals_batch_id_payout_batches"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_payout_approvals_user_id_users"),
        sa.PrimaryKeyConstraint("batch_id", "user_id", name="pk_payout_approvals"),
    )
    op.create_table(
        "payouts",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("asset", sa.String(length=100), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("decimals", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("amount", BaseUnits(), nullable=False),
        sa.Column("tier", sa.String(length=10), nullable=False),
        sa.Column("memo", sa.Text(), nullable=True),
        sa.Column("fee_reserved", BaseUnits(), nullable=False),
        sa.Column("fee", BaseUnits(), nullable=True),
        sa.Column("tx_id", sa.String(length=120), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("queued_at", Moment(), nullable=True),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["payout_batches.id"], name="fk_payouts_batch_id_payout_batches"
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name="fk_payouts_merchant_id_merchants"),
        sa.PrimaryKeyConstraint("id", name="pk_payouts"),
        sa.UniqueConstraint("merchant_id", "external_id", name="uq_payouts_merchant_id_external_id"),
    )
    op.create_index("ix_payouts_batch_id_position", "payouts", ["batch_id", "position"], unique=False)
    op.create_index("ix_payouts_merchant_id_id", "payouts", ["merchant_id", "id"], unique=False)
    op.create_index(
        "ix_payouts_merchant_id_status_id", "payouts", ["merchant_id", "status", "id"], unique=False
    )
