"""What a key may be allowed to do, and what a user may be."""

from enum import StrEnum


class Scope(StrEnum):
    """One permission of an API key; a write scope may read what it writes, `read` may read everything."""

    READ = "read"
    INVOICES_WRITE = "invoices:write"
    PAYOUTS_WRITE = "payouts:write"
    WEBHOOKS_WRITE = "webhooks:write"


class Role(StrEnum):
    """What a user may do for the merchant."""

    OWNER = "owner"
    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"
