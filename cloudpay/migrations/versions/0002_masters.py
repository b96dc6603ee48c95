"""Master wallets, the transactions that are ours, and what is frozen."""

import sqlalchemy as sa
from alembic import op

from cloudpay.kernel.columns import Moment

revision = "0002_masters"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "master_wallets",
        sa.Column("key_family", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key_family", "address", name="pk_master_wallets"),
        sa.UniqueConstraint(
            "key_family",
            "account",
            "chain",
            "index",
            name="uq_master_wallets_key_family_account_chain_index",
        ),
        sa.UniqueConstraint("merchant_id", "key_family", name="uq_master_wallets_merchant_id_key_family"),
    )
    op.create_table(
        "own_transactions",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("tx_id", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("network", "tx_id", name="pk_own_transactions"),
    )
    op.create_table(
        "freezes",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("network", name="pk_freezes"),
    )
