"""Where a merchant's payouts go whose address several networks could mean."""

import sqlalchemy as sa
from alembic import op

revision = "0007_payapi"
down_revision = "0006_backup"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.add_column("merchants", sa.Column("payout_network", sa.String(length=40), nullable=True))
