"""What a wallet or database that was put back needs: a freeze that ends only when a person has compared."""

import sqlalchemy as sa
from alembic import op

revision = "0010_restore"
down_revision = "0009_approvals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    column = sa.Column("needs_reconciliation", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("freezes", column)
    # What was frozen by an earlier version tells by its reason alone how it must end.
    freezes = sa.table("freezes", sa.column("reason", sa.Text), sa.column("needs_reconciliation", sa.Boolean))
    asked = freezes.c.reason.contains("`cloudpay thaw --reconciled`")
    op.execute(freezes.update().where(asked).values(needs_reconciliation=True))
