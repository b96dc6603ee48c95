"""The sending half of a fake chain: transactions in sequences, as on EVM chains."""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.spending import (
    Answer,
    Broadcast,
    Consumed,
    Draft,
    Explained,
    FeeQuote,
    FeeTier,
    Payee,
    Prepared,
    Refusal,
    Signed,
    Signer,
    Spend,
    SpendContext,
)
from cloudpay.chains.types import Capability
from cloudpay.kernel.db import refuse_inside_transaction
from cloudpay.testing.fakeplan import FakePlan
from cloudpay.testing.fakepool import FakePool
from cloudpay.testing.fakewire import Wire, digest_of, id_of, sealed
from cloudpay.testing.ledger import SEQUENCE


class FakeSending(FakePool):
    """Drafts one transaction for each spend; its claim is `address:nonce:N`, the lowest that is free."""

    def fee_quotes(self) -> tuple[FeeQuote, ...]:
        """Answer what the node asks for each listed asset, by tier."""
        contracts = [asset.contract for asset in self.settings.assets.values()] or [None]
        if Capability.TOKENS not in self.capabilities:
            contracts = [None]
        with self._call():
            return tuple(
                FeeQuote(tier, contract, self.price(tier, contract))
                for tier in FeeTier
                for contract in contracts
            )

    def prepare(self, spends: Sequence[Spend], context: SpendContext) -> Prepared:
        """Draft what can be paid for; what is short of money, or above the cap, waits."""
        drafts: list[Draft] = []
        refused = [
            Refusal(each.id, f"{each.recipient} cannot receive")
            for each in spends
            if each.recipient in self.refusing
        ]
        with self._call():
            overtaken = self._overtaken(spends, context)
            if overtaken:
                return Prepared((), overtaken=overtaken)
            plan = FakePlan(self, context)
            for spend in spends:
                draft = None if spend.recipient in self.refusing else plan.draft(spend)
                if draft:
                    drafts.append(draft)
        return Prepared(tuple(drafts), tuple(refused))

    def sign(self, draft: Draft, signer: Signer) -> Signed:
        """Sign with the source's key."""
        (path,) = draft.signers
        raw = sealed(draft.unsigned, signer.sign(path, digest_of(draft.unsigned)))
        return Signed(id_of(raw), raw)

    def explain(self, raw: bytes) -> Explained:
        """Say what bytes can move; raises `ValueError`."""
        wire = Wire.decode(raw)
        if wire.network != self.network:
            raise ValueError(f"these bytes are for the network {wire.network}, not for {self.network}")
        return Explained((Payee(wire.recipient, wire.contract, wire.amount),), wire.fee, None, wire.source)

    def broadcast(self, signed: Sequence[Signed]) -> Sequence[Answer]:
        """Hand bytes to the node; UNKNOWN while it is down, and whatever `says` has it say."""
        try:
            with self._call():
                answers = self._take_in(signed)
        except NodeUnavailable as error:
            return [Answer(Broadcast.UNKNOWN, str(error)) for _ in signed]
        if self.says is None:
            return answers
        return [Answer(self.says, "so the script has it") for _ in signed]

    def consumed(self, claims: Collection[str]) -> Consumed:
        """Say which places in sequences are taken at the final block."""
        with self._call():
            height = self._final_height()
            used = {each for each in claims if self._is_used(each, height)}
            return Consumed(self._ledger.blocks[height].header.ref, frozenset(used))

    def in_flight(self, sources: Collection[str]) -> Mapping[str, int]:
        """Answer the node's window."""
        with self._call():
            return {each: self.window_of(each) for each in sources}

    # Inside

    @contextmanager
    def _call(self) -> Iterator[None]:
        refuse_inside_transaction("a node")
        if self.delay:
            time.sleep(self.delay)
        if self._down:
            self._failures += 1
            raise NodeUnavailable(self.network, self._down)
        with self._lock:
            yield

    def _overtaken(self, spends: Sequence[Spend], context: SpendContext) -> frozenset[str]:
        furthest: dict[str, int] = {}
        for claim in context.recent:
            source, _, nonce = claim.rpartition(":nonce:")
            furthest[source] = max(int(nonce), furthest.get(source, 0))
        sources = {each.source for each in spends}
        if context.first:
            return frozenset(each for each in sources if self.sequence(each) > 0)
        return frozenset(
            each for each in sources & furthest.keys() if self.sequence(each) > furthest[each] + 1
        )

    def _is_used(self, claim: str, height: int) -> bool:
        source, _, nonce = claim.rpartition(":nonce:")
        return nonce.isdecimal() and int(nonce) < self._ledger.balance((source, SEQUENCE), height)
