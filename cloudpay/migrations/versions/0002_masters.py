"""Master wallets and what moves there past the gateway, the transactions that are ours, and what is frozen."""

import sqlalchemy as sa
from alembic import op

from cloudpay.kernel.columns import BaseUnits, Moment

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
    op.create_table(
        "outside_transfers",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("tx_id", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("at_deposit", sa.Boolean(), nullable=False),
        sa.Column("asset", sa.String(length=100), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("leaves", sa.Boolean(), nullable=False),
        sa.Column("counterparty", sa.String(length=120), nullable=True),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("amount", BaseUnits(), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("block_height", sa.BigInteger(), nullable=False),
        sa.Column("block_hash", sa.String(length=100), nullable=False),
        sa.Column("first_seen_at", Moment(), nullable=False),
        sa.Column("final_at", Moment(), nullable=True),
        sa.Column("credits", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outside_transfers"),
        sa.UniqueConstraint(
            "network",
            "tx_id",
            "address",
            "asset",
            "leaves",
            "ordinal",
            name="uq_outside_transfers_network_tx_id_address_asset_leaves_ordinal",
        ),
    )
    op.create_index(
        "ix_outside_transfers_network_status_height",
        "outside_transfers",
        ["network", "status", "block_height"],
        unique=False,
    )
