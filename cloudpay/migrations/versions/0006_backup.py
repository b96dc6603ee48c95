"""Restored wallets: at which block a network was opened, and when a person last compared it with the chain."""

import sqlalchemy as sa
from alembic import op

from cloudpay.kernel.columns import Moment

revision = "0006_backup"
down_revision = "0005_sweeps"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "openings",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("block_height", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("network", name="pk_openings"),
    )
    op.create_table(
        "reconciled",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("network", name="pk_reconciled"),
    )
    # The newest transactions of an address are held against the chain before each of its signatures.
    op.create_index(
        "ix_transactions_network_source", "transactions", ["network", "source", "id"], unique=False
    )
