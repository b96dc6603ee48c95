"""How many had to agree to a batch when it was accepted: it may be more by now, and who asks again is told the same."""

import sqlalchemy as sa
from alembic import op

revision = "0009_approvals"
down_revision = "0008_reconcile"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    column = sa.Column("accepted_approvals", sa.Integer(), nullable=False, server_default="0")
    op.add_column("payout_batches", column)
    batches = sa.table("payout_batches", sa.column("accepted_approvals"), sa.column("approvals_needed"))
    op.execute(batches.update().values(accepted_approvals=batches.c.approvals_needed))
