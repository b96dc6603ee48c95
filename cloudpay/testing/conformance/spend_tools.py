"""What the checks of sending share: money to send, a context, and one way from a spend to a block."""

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from cloudpay.chains.spending import (
    Answer,
    Broadcast,
    Draft,
    FeeTier,
    Payee,
    Prepared,
    Signed,
    Spend,
    SpendContext,
)
from cloudpay.chains.types import Capability, Holding, TxStatus
from cloudpay.testing.conformance.world import ChainWorld, SendingWorld

TAKEN = (Broadcast.ACCEPTED, Broadcast.KNOWN)
_FEES = 60  # dearest transfers that a funded address can pay for: enough for a full window


@dataclass(frozen=True)
class Purse:
    """An address of ours with money on it, and what a check does with it."""

    world: SendingWorld
    address: str

    def spend(self, amount: int, contract: str | None = None, to: str = "") -> Spend:
        """Mean to send: by default to a new address."""
        return Spend(uuid.uuid4().hex, self.address, to or self.world.new_address(), contract, amount)

    def context(self, **changes: Any) -> SpendContext:
        """What the core would tell: a cap that is far off, this address's key, this address as its gas station."""
        table = {
            "tier": FeeTier.MEDIUM,
            "fee_cap": 10 * dearest(self.world),
            "keys": {self.address: self.world.path_of(self.address)},
            "gas_station": self.address,
        }
        return SpendContext(**{**table, **changes})

    def prepare(self, *spends: Spend, **changes: Any) -> Prepared:
        """Have the adapter draft."""
        return self.world.adapter.prepare(spends, self.context(**changes))

    def draft(self, spend: Spend, **changes: Any) -> Draft:
        """Have the adapter draft one spend that can be drafted."""
        prepared = self.prepare(spend, **changes)
        assert prepared.refused == (), f"a spend that can be carried out was refused: {prepared.refused}"
        assert len(prepared.drafts) == 1, f"one spend was drafted {len(prepared.drafts)} times"
        return prepared.drafts[0]

    def sign(self, draft: Draft) -> Signed:
        """Have the adapter sign."""
        return self.world.adapter.sign(draft, self.world.signer)

    def send(self, spend: Spend, **changes: Any) -> tuple[Draft, Signed]:
        """Draft, sign and broadcast."""
        draft = self.draft(spend, **changes)
        signed = self.sign(draft)
        answer = broadcast(self.world, signed)
        assert answer.outcome in TAKEN, f"a node that is up did not take a good transaction: {answer}"
        return draft, signed


def sending(world: ChainWorld) -> SendingWorld:
    """Answer a world whose adapter sends; skips the check where it does not."""
    if Capability.SENDS not in world.adapter.capabilities:
        pytest.skip("this plugin does not send")
    return cast("SendingWorld", world)


def funded(world: ChainWorld, *, tokens: int = 0, native: int | None = None) -> Purse:
    """Answer a new address with money in a block: of the native coin (by default plenty for fees) and of the token."""
    able = sending(world)
    purse = Purse(able, able.new_address())
    amount = _FEES * dearest(able) + 10**6 if native is None else native
    if amount:
        able.send(purse.address, amount)
    if tokens:
        assert able.token
        able.send(purse.address, tokens, able.token.contract)
    able.mine()
    return purse


def dearest(world: SendingWorld) -> int:
    """Answer what the dearest transfer costs."""
    return max(quote.fee for quote in world.adapter.fee_quotes())


def broadcast(world: SendingWorld, signed: Signed) -> Answer:
    """Broadcast one transaction."""
    (answer,) = world.adapter.broadcast([signed])
    return answer


def status_of(world: ChainWorld, tx_id: str) -> TxStatus:
    """Answer what the chain knows of one transaction."""
    return world.adapter.statuses([tx_id]).by_id[tx_id]


def held(world: ChainWorld, address: str, contract: str | None = None) -> int:
    """Answer a balance at the newest block."""
    holding = Holding(address, contract)
    return world.adapter.balances([holding], world.adapter.head().latest.ref)[holding]


def payees_of(spends: Iterable[Spend]) -> Counter[Payee]:
    """Answer what bytes that carry these spends must pay."""
    return Counter(Payee(each.recipient, each.contract, each.amount) for each in spends)
