"""Merchants' endpoints: they answer well, badly, late or never; what they were told is kept."""

from collections import Counter, defaultdict
from collections.abc import Mapping

from cloudpay.kernel.db import refuse_inside_transaction
from cloudpay.webhooks.client import Outcome, WebhookClient
from cloudpay.webhooks.states import DeliveryStatus
from tests.simulation.telling import Told
from tests.simulation.world import World


class Receivers(WebhookClient):
    """Stands where the HTTP client does; each URL has a mood, which events change."""

    def __init__(self, world: World) -> None:
        super().__init__(world.grounds.settings.webhooks)
        self._world = world
        self.moods: defaultdict[str, str] = defaultdict(lambda: "fine")
        self.calls: list[Told] = []
        """Calls that the rules have not looked at yet."""
        self.answers: defaultdict[str, Counter[int]] = defaultdict(Counter)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Answer as the URL's mood is."""
        refuse_inside_transaction("a webhook call")
        self._world.boundary("webhook.call")
        status = self._answer(self.moods[url])
        event_id = headers["webhook-id"]
        if status >= 0:
            self.calls.append(Told(event_id, url, body.decode(), headers, status))
            self.answers[event_id][status] += 1
        self._world.boundary("webhook.called")
        return _outcome(status)

    def _answer(self, mood: str) -> int:
        """Answer an HTTP status; 0 for none after the body was taken, -1 for a connection that never came."""
        rng = self._world.rng
        if mood == "fine":
            return 200
        if mood == "gone":
            return 410
        if mood == "down":
            return rng.choice([-1, 500, 503, 0])
        if mood == "slow":
            self._world.pass_time(rng.choice([5, 14, 40]))
            return rng.choice([200, 0])
        return rng.choice([200, 500, 0, -1, 302])


def _outcome(status: int) -> Outcome:
    if status == 200:
        return Outcome(DeliveryStatus.SUCCEEDED, 200)
    if status == 410:
        return Outcome(DeliveryStatus.GONE, 410, "gone")
    if status <= 0:
        return Outcome(DeliveryStatus.FAILED, error="timed out")
    return Outcome(DeliveryStatus.FAILED, status, "refused", retry_after="30" if status == 503 else None)
