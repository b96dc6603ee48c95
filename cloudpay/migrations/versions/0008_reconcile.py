"""What the last comparison of ledger and chain has shown, by network."""

import sqlalchemy as sa
from alembic import op

from cloudpay.kernel.columns import Moment

revision = "0008_reconcile"
down_revision = "0007_payapi"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "reconciliations",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("tried_at", Moment(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("compared_at", Moment(), nullable=True),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.Column("drifts", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("network", name="pk_reconciliations"),
    )
