"""The merchant's side: batches that are sent until they are answered, sent again, confirmed, taken back."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests

from tests.kills.clients import Clients
from tests.kills.ground import TOKEN
from tests.kills.stack import Stack

_TIERS = ("low", "medium", "high")
_KINDS = {"at once": 6, "single": 3, "confirmed": 4, "confirmed singly": 2, "cancelled": 2, "raced": 3}
_REFUSED, _AGAIN, _OTHERWISE = 0.05, 0.3, 0.15
_MOST_OPEN = 60
_TAKEN_BACK = "cancelled"


@dataclass
class Item:
    """A payout that was asked for, and how it must end."""

    external_id: str
    asset: str
    units: int
    recipient: str
    end: str = "confirmed"


@dataclass
class Batch:
    """Payouts that were accepted together."""

    body: dict[str, Any]
    items: list[Item]
    batch_id: str = ""
    payouts: dict[str, str] = field(default_factory=dict)


class Merchants(Clients):
    """Threads that pay out; nothing is asked for until there is money in the master wallet."""

    def __init__(self, stack: Stack, seed: int, count_open: Callable[[], int]) -> None:
        self.batches: list[Batch] = []
        self.wrong: list[str] = []
        self.funded = False
        self._ground, self._count_open = stack.ground, count_open
        super().__init__(stack, seed)

    @property
    def items(self) -> list[Item]:
        """All payouts that were accepted."""
        return [item for batch in list(self.batches) for item in batch.items]

    @property
    def has_room(self) -> bool:
        """Whether there is money, and few enough payouts are under way."""
        return self.funded and self._count_open() < _MOST_OPEN

    def serve(self, session: requests.Session, chance: random.Random) -> None:
        """Send a batch; then what its kind says."""
        kind = chance.choices([*_KINDS], [*_KINDS.values()])[0]
        at_once = kind not in ("confirmed", "confirmed singly", "cancelled")
        batch = self.new(chance, 1 if kind == "single" else chance.randint(1, 6), at_once=at_once)
        path, body = "user/payouts/bulk/api", batch.body
        if kind == "single":
            [item] = body["items"]
            path, body = "payout", {**item, **{key: each for key, each in body.items() if key != "items"}}
        key = f"key-{batch.items[0].external_id}" if chance.random() < 0.5 else None
        answer = self.post(session, path, body, key)
        if answer.status_code != 201:
            raise AssertionError(f"a batch was answered {answer.status_code}: {answer.text[:300]}")
        told = answer.json()
        self.accepted(batch, told)
        self._decide(session, chance, kind, batch)
        if kind != "single":
            self._send_again(session, chance, batch, told)

    def accepted(self, batch: Batch, told: Mapping[str, Any]) -> None:
        """Keep a batch that was accepted: it must come to its end."""
        batch.batch_id = told["batch_id"]
        batch.payouts = {each["id"]: each["payout_id"] for each in told.get("items", [told])}
        with self.lock:
            self.batches.append(batch)

    def new(self, chance: random.Random, count: int, *, at_once: bool) -> Batch:
        """Make a batch."""
        items = [self._item(chance) for _ in range(count)]
        asked = [
            {
                "id": each.external_id, "address": each.recipient, "network": self._ground.code, "currency": each.asset,
                "amount": f"{Decimal(each.units).scaleb(-self._ground.decimals[each.asset]):f}",
                "priority": chance.choice(_TIERS),
            }
            for each in items
        ]  # fmt: skip
        url = chance.choice(self.stack.endpoints.urls)
        return Batch({"auto_confirm": at_once, "callback_url": url, "items": asked}, items)

    def _item(self, chance: random.Random) -> Item:
        ground, name = self._ground, f"pay-{self.seed}-{chance.getrandbits(64):x}"
        asset = chance.choice((ground.native, TOKEN))
        units = chance.randint(1, 5_000) * 10 ** (ground.decimals[asset] - 6)
        if asset != TOKEN and chance.random() < _REFUSED:
            return Item(name, asset, units, ground.refusing, end="failed")
        return Item(name, asset, units, ground.address(name))

    def _decide(self, session: requests.Session, chance: random.Random, kind: str, batch: Batch) -> None:
        if kind == "confirmed":
            self._decided(session, f"payout/batch/{batch.batch_id}/confirm", batch)
        elif kind == "confirmed singly":
            for payout in batch.payouts.values():
                self._decided(session, f"payout/{payout}/confirm", batch)
        elif kind == "cancelled":
            self._decided(session, f"payout/batch/{batch.batch_id}/cancel", batch)
        elif kind == "raced":
            chosen = chance.choice([*batch.payouts.values()])
            self._decided(session, f"payout/{chosen}/cancel", batch, lost=True)

    def _decided(self, session: requests.Session, path: str, batch: Batch, *, lost: bool = False) -> None:
        """Confirm or take back, with a key, so that what was done is told again; `lost`: the sender may be faster."""
        answer = self.post(session, path, {}, f"key-{path}")
        if lost and answer.status_code == 409:
            return
        if answer.status_code != 200:
            raise AssertionError(f"{path} was answered {answer.status_code}: {answer.text[:300]}")
        told = answer.json()
        taken = {each["id"] for each in told.get("items", [told]) if each["status"] == _TAKEN_BACK}
        for item in batch.items:
            if item.external_id in taken:
                item.end = _TAKEN_BACK

    def _send_again(
        self, session: requests.Session, chance: random.Random, batch: Batch, told: dict[str, Any]
    ) -> None:
        """The same once more gets the same answer, another content under the same ids is refused."""
        if chance.random() < _AGAIN:
            body = {**batch.body, "items": batch.body["items"][::-1]}
            answer = self.post(session, "user/payouts/bulk/api", body)
            if answer.status_code != 201 or answer.json() != told:
                self.wrong.append(f"{batch.batch_id}, sent again, was answered {answer.text[:200]}")
        if chance.random() < _OTHERWISE:
            first, *others = batch.body["items"]
            body = {**batch.body, "items": [{**first, "amount": "0.123456"}, *others]}
            answer = self.post(session, "user/payouts/bulk/api", body)
            if answer.status_code != 409:
                self.wrong.append(f"{batch.batch_id} with another amount was answered {answer.status_code}")
