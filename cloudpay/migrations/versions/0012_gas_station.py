"""A gas station other than the master wallet: its address, who has chosen it where, and what came to it."""

import sqlalchemy as sa
from alembic import op

from cloudpay.kernel.columns import Moment

revision = "0012_gas_station"
down_revision = "0011_looks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "gas_wallets",
        sa.Column("key_family", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key_family", "address", name="pk_gas_wallets"),
        sa.UniqueConstraint(
            "key_family", "account", "chain", "index", name="uq_gas_wallets_key_family_account_chain_index"
        ),
        sa.UniqueConstraint("merchant_id", "key_family", name="uq_gas_wallets_merchant_id_key_family"),
    )
    op.create_table(
        "gas_choices",
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("since", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("merchant_id", "network", name="pk_gas_choices"),
    )
    op.add_column(
        "outside_transfers",
        sa.Column("at_gas_wallet", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
