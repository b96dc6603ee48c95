"""What was put back: a freeze that ends only when a person has compared, and accounts that nobody is given."""

import sqlalchemy as sa
from alembic import op

revision = "0010_restore"
down_revision = "0009_approvals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.add_column(
        "freezes",
        sa.Column("needs_reconciliation", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_table(
        "account_reserves",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("below", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_account_reserves"),
    )
    # What was frozen by an earlier version tells by its reason alone how it must end.
    freezes = sa.table("freezes", sa.column("reason", sa.Text), sa.column("needs_reconciliation", sa.Boolean))
    asked = freezes.c.reason.contains("`cloudpay thaw --reconciled`")
    op.execute(freezes.update().where(asked).values(needs_reconciliation=True))
