"""Who a request acts for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Terms:
    """What of its merchant an invoice is made with: its account, and minutes until expiry (None: the default)."""

    account_index: int
    invoice_expiry_minutes: int | None


@dataclass(frozen=True)
class Principal:
    """The key that a request came with, and its merchant; `addresses` are where it may come from (empty: anywhere).

    `terms` came with the key; where there was none they are None, and are looked up.
    """

    key_id: str
    merchant_id: str
    livemode: bool
    scopes: frozenset[str]
    addresses: tuple[str, ...] = ()
    rate_limit: str | None = None
    terms: Terms | None = None
    by: str = ""

    @property
    def actor(self) -> str:
        """How the audit log names who acts: this key, unless it is somebody else."""
        return self.by or f"key:{self.key_id}"

    def may(self, *scopes: str) -> bool:
        """Say whether the key has at least one of these scopes."""
        return not self.scopes.isdisjoint(scopes)
