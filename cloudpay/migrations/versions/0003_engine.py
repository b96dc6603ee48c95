"""Money that goes out: spends, transactions, claims, attempts, fee quotes."""

import sqlalchemy as sa
from alembic import op

from cloudpay.kernel.columns import BaseUnits, Moment

revision = "0003_engine"
down_revision = "0002_masters"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply this step."""
    op.create_table(
        "fee_quotes",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("tier", sa.String(length=10), nullable=False),
        sa.Column("asset", sa.String(length=100), nullable=False),
        sa.Column("fee", BaseUnits(), nullable=False),
        sa.Column("quoted_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("network", "tier", "asset", name="pk_fee_quotes"),
    )
    op.create_table(
        "quote_demands",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("network", name="pk_quote_demands"),
    )
    op.create_table(
        "spends",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("merchant_id", sa.String(length=40), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("account", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("recipient", sa.String(length=120), nullable=False),
        sa.Column("asset", sa.String(length=100), nullable=False),
        sa.Column("amount", BaseUnits(), nullable=False),
        sa.Column("tier", sa.String(length=10), nullable=False),
        sa.Column("fee_reserved", BaseUnits(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("waits_for", sa.String(length=60), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("transaction_id", sa.String(length=40), nullable=True),
        sa.Column("tx_id", sa.String(length=120), nullable=True),
        sa.Column("fee", BaseUnits(), nullable=True),
        sa.Column("block_height", sa.BigInteger(), nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_spends"),
    )
    op.create_index(
        "ix_spends_network_status_source",
        "spends",
        ["network", "status", "source", "created_at"],
        unique=False,
    )
    op.create_index("ix_spends_transaction_id", "spends", ["transaction_id"], unique=False)
    op.create_index("ix_spends_waits_for", "spends", ["waits_for"], unique=False)
    op.create_table(
        "transactions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=120), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("tier", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("signers", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("signed_at", Moment(), nullable=False),
        sa.Column("block_height", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.String(length=100), nullable=True),
        sa.Column("look_at", sa.BigInteger(), nullable=True),
        sa.Column("doubts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transactions"),
    )
    op.create_index("ix_transactions_network_look_at", "transactions", ["network", "look_at"], unique=False)
    op.create_index(
        "ix_transactions_network_status_source", "transactions", ["network", "status", "source"], unique=False
    )
    op.create_table(
        "attempts",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("tx_id", sa.String(length=120), nullable=False),
        sa.Column("transaction_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("unsigned", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("largest_fee", BaseUnits(), nullable=False),
        sa.Column("signed_at", Moment(), nullable=False),
        sa.Column("handed_at", Moment(), nullable=True),
        sa.Column("answer", sa.String(length=10), nullable=True),
        sa.Column("answer_reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["transactions.id"], name="fk_attempts_transaction_id_transactions"
        ),
        sa.PrimaryKeyConstraint("network", "tx_id", name="pk_attempts"),
    )
    op.create_index("ix_attempts_network_handed_at", "attempts", ["network", "handed_at"], unique=False)
    op.create_index("ix_attempts_transaction_id", "attempts", ["transaction_id"], unique=False)
    op.create_table(
        "claims",
        sa.Column("network", sa.String(length=40), nullable=False),
        sa.Column("claim", sa.String(length=200), nullable=False),
        sa.Column("transaction_id", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["transaction_id"], ["transactions.id"], name="fk_claims_transaction_id_transactions"
        ),
        sa.PrimaryKeyConstraint("network", "claim", name="pk_claims"),
    )
    op.create_index("ix_claims_transaction_id", "claims", ["transaction_id"], unique=False)
