"""A look at a balance that cannot be written down holds up its own address, and no other."""

import sqlalchemy as sa
from alembic import op

from cloudpay.kernel.columns import Moment

revision = "0011_looks"
down_revision = "0010_restore"
branch_labels = None
depends_on = None

_FAILING = sa.text("failing_since IS NOT NULL")


def upgrade() -> None:
    """Apply this step."""
    op.add_column("native_watches", sa.Column("failing_since", Moment(), nullable=True))
    op.create_index(
        "ix_native_watches_failing",
        "native_watches",
        ["network"],
        unique=False,
        sqlite_where=_FAILING,
        postgresql_where=_FAILING,
    )
