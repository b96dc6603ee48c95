"""Who a request acts for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """The key that a request came with, and its merchant; `addresses` are where it may come from (empty: anywhere)."""

    key_id: str
    merchant_id: str
    livemode: bool
    scopes: frozenset[str]
    addresses: tuple[str, ...] = ()
    rate_limit: str | None = None

    @property
    def actor(self) -> str:
        """How the audit log names this key."""
        return f"key:{self.key_id}"

    def may(self, *scopes: str) -> bool:
        """Say whether the key has at least one of these scopes."""
        return not self.scopes.isdisjoint(scopes)
