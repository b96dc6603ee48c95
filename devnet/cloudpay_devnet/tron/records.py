"""What the chain knows of an account, a contract, a token or a delegation beside code, storage and balance."""

import msgspec

BANDWIDTH, ENERGY, POWER = 0, 1, 2
Pair = tuple[int, int]
"""One figure for bandwidth and one for energy."""


class Usage(msgspec.Struct, frozen=True):
    """An amount that was used up to a slot of three seconds; it fades within a day."""

    amount: int = 0
    slot: int = 0


class Unfreezing(msgspec.Struct, frozen=True):
    """Stake on its way back."""

    resource: int
    amount: int
    expires: int


class Account(msgspec.Struct, frozen=True):
    """An account. Stakes and delegations are in sun."""

    address: bytes
    created: int
    is_contract: bool = False
    name: bytes = b""
    operated: int = 0
    staked: tuple[int, int, int] = (0, 0, 0)
    delegated: Pair = (0, 0)
    acquired: Pair = (0, 0)
    unfreezing: tuple[Unfreezing, ...] = ()
    net: Usage = Usage()
    free_net: Usage = Usage()
    energy: Usage = Usage()
    owner_permission: bytes = b""
    active_permissions: tuple[bytes, ...] = ()
    assets: dict[str, int] = {}
    issued_asset: str = ""

    def stake(self, resource: int) -> int:
        """What gives this account a resource: its own stake that it kept, and what others delegated to it."""
        return self.staked[resource] + self.acquired[resource]


class Delegation(msgspec.Struct, frozen=True):
    """What one account lends another; `locked` comes back only after `expires`."""

    giver: bytes
    receiver: bytes
    open: Pair = (0, 0)
    locked: Pair = (0, 0)
    expires: Pair = (0, 0)


def changed(pair: Pair, resource: int, by: int) -> Pair:
    """The pair with one of its figures changed."""
    first, second = pair
    return (first + by, second) if resource == BANDWIDTH else (first, second + by)
