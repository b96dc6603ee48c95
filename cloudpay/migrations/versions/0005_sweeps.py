"""Sweeps: what waits at deposit addresses, what bounds a spend's fee, the fees that deposit addresses paid."""

import sqlalchemy as sa
from alembic import op

from cloudpay.kernel.columns import BaseUnits, Moment

revision = "0005_sweeps"
down_revision = "0004_payouts"
branch_labels = None
depends_on = None

_INNER = sa.text("kind <> 'payout'")


def upgrade() -> None:
    """Apply this step."""
    op.add_column("spends", sa.Column("fee_limit", BaseUnits(), nullable=True))
    op.add_column("spends", sa.Column("found", BaseUnits(), nullable=True))
    for name, column in (("ix_spends_inner_source", "source"), ("ix_spends_inner_recipient", "recipient")):
        op.create_index(
            name, "spends", ["network", column], unique=False, sqlite_where=_INNER, postgresql_where=_INNER
        )
    op.create_table(
        "own_fees",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("spend_id", sa.String(length=60), nullable=False),
        sa.Column("tx_id", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("fee", BaseUnits(), nullable=False),
        sa.Column("block_height", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("network", "spend_id", name="pk_own_fees"),
    )
    op.create_index("ix_own_fees_network_address", "own_fees", ["network", "address"], unique=False)
    op.create_table(
        "unswept",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=120), nullable=False),
        sa.Column("asset", sa.String(length=100), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("tier", sa.String(length=10), nullable=False),
        sa.Column("standing", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("amount", BaseUnits(), nullable=False),
        sa.Column("found", BaseUnits(), nullable=True),
        sa.Column("since", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("spend_id", sa.String(length=60), nullable=True),
        sa.PrimaryKeyConstraint("network", "address", "asset", name="pk_unswept"),
    )
    op.create_index("ix_unswept_network_due_at", "unswept", ["network", "due_at"], unique=False)
    op.create_index("ix_unswept_merchant_id", "unswept", ["merchant_id", "network", "asset"], unique=False)
    _take_in_what_was_paid_before()


def _take_in_what_was_paid_before() -> None:
    """What became final under an earlier version waits to be collected, too."""
    op.execute(
        """
        INSERT INTO unswept (network, address, asset, merchant_id, livemode, account, chain, "index", tier, standing,
                             reason, amount, found, since, due_at, looks, spend_id)
        SELECT p.network, p.address, p.asset, d.merchant_id, d.livemode, d.account, d.chain, d."index",
               MIN(i.priority), 'new', '', p0.zero, NULL, MAX(p.final_at), MAX(p.final_at), 0, NULL
        FROM payments p
        JOIN deposit_addresses d ON d.id = p.deposit_address_id
        JOIN invoices i ON i.id = p.invoice_id
        CROSS JOIN (SELECT '"""
        + "0" * 78
        + """' AS zero) p0
        WHERE p.status = 'final'
        GROUP BY p.network, p.address, p.asset, d.merchant_id, d.livemode, d.account, d.chain, d."index", p0.zero
        """
    )


def downgrade() -> None:
    """Take this step back."""
    op.drop_table("unswept")
    op.drop_table("own_fees")
    op.drop_index("ix_spends_inner_recipient", "spends")
    op.drop_index("ix_spends_inner_source", "spends")
    with op.batch_alter_table("spends") as batch:
        batch.drop_column("found")
        batch.drop_column("fee_limit")
