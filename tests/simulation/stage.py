"""Everybody who acts in a run: the gateway's processes, the endpoints, and what they know of the invoices."""

from decimal import Decimal

from cloudpay.chains.gateway import Gateway
from cloudpay.invoices import creation, service
from cloudpay.invoices.creation import NewInvoice
from cloudpay.invoices.errors import NotCancellable
from cloudpay.invoices.states import Priority
from cloudpay.merchants.service import SECRET_WINDOW, rotate_webhook_secret, webhook_secrets
from cloudpay.payments.networks import NetworkClosed
from cloudpay.testing import FakeChain
from tests.simulation.mirror import Row
from tests.simulation.networks import KINDS
from tests.simulation.processes import Delivering, Draining, Process, Scheduling, Watching
from tests.simulation.receivers import Receivers
from tests.simulation.world import DEEPEST, Grounds, World

URLS = ("https://one.example.com/hook", "https://one.example.com/other", "https://two.example.com/hook", None)


class Stage:
    """The gateway of one run, in as many processes as it has in earnest, and everybody around it."""

    def __init__(self, grounds: Grounds, world: World) -> None:
        self.grounds, self.world = grounds, world
        self.receivers = Receivers(world)
        # One for each depth: a request that is held up holds locks of its process, as a thread would.
        self.webs = [Process(world, f"web {depth}") for depth in range(DEEPEST + 1)]
        self.watchers = {
            code: [Watching(world, f"watcher {name} of {code}", code) for name in "AB"]
            for code in world.chains
        }
        self.drainers = [Draining(world, f"drainer {name}") for name in "AB"]
        self.deliverers = [Delivering(world, f"deliverer {name}", self.receivers) for name in "AB"]
        self.scheduler = Scheduling(world, "scheduler")
        self.tries: list[tuple[int, NewInvoice, str]] = []
        """Requests that may be sent again: the shop, the content, the idempotency key."""
        self.asked = 0
        for url in filter(None, URLS):
            self.receivers.moods[url] = world.rng.choice(
                ["fine", "fine", "fine", "down", "flaky", "slow", "gone"]
            )
        world.rules.telling.calls = self.receivers.calls
        world.rules.telling.answers = self.receivers.answers
        world.rules.telling.secrets = lambda merchant: webhook_secrets(self.bystander, merchant)
        self.bystander: Gateway = self.webs[0].gateway

    @property
    def web(self) -> Process:
        """The web process that has a thread to spare."""
        return self.webs[self.world.depth]

    @property
    def processes(self) -> list[Process]:
        """All processes."""
        watchers = [each for pair in self.watchers.values() for each in pair]
        return [*self.webs, *watchers, *self.drainers, *self.deliverers, self.scheduler]

    def chain(self, code: str) -> FakeChain:
        """Answer a network's chain."""
        return self.world.chains[code]

    def some_invoice(self, *, code: str | None = None, open_first: bool = True) -> Row | None:
        """Answer an invoice by chance, rather an open one, or a new one."""
        mirror = self.world.rules.mirror
        ids = [each for each, row in mirror.options.items() if code in (None, row["network"])]
        if not ids:
            return None
        chosen = self.world.rng.sample(ids[-40:], min(4, len(ids[-40:])))
        waiting = [each for each in chosen if mirror.invoices[each]["status"] in ("pending", "confirming")]
        return mirror.options[(waiting if open_first and waiting else chosen)[0]]

    def ask(self, code: str, again: bool = False) -> None:
        """Have a shop ask for an invoice; now and then it sends an earlier request again."""
        rng = self.world.rng
        if again and self.tries:
            shop, new, key = rng.choice(self.tries[-5:])
        else:
            shop, new, key = self._request(code)
            self.tries.append((shop, new, key))
        principal = self.grounds.shops[shop].principal
        self.world.note(
            f"  asks for {new.amount or new.total_usd} {new.currency} on {new.network}, key {key}"
        )
        if new.customer_name is not None:
            self.world.rules.asking.begun.setdefault(new.customer_name, len(self.world.node(code).heads))
        self.web.run(
            lambda: creation.create(self.web.gateway, principal, new, key, lambda view: view.id),
            NetworkClosed,
        )

    def cancel(self, invoice_id: str) -> None:
        """Have the shop cancel an invoice."""
        row = self.world.rules.mirror.invoices[invoice_id]
        principal = next(
            each.principal for each in self.grounds.shops if each.principal.merchant_id == row["merchant_id"]
        )
        self.world.rules.asking.cancelling.add(invoice_id)
        gateway = self.web.gateway
        self.web.run(
            lambda: service.cancel(gateway, principal, invoice_id, None, lambda view: view.id), NotCancellable
        )

    def rotate(self) -> None:
        """Have a shop change its webhook secret: the old one goes on being valid."""
        merchant = self.world.rng.choice(self.grounds.shops).principal.merchant_id
        before = webhook_secrets(self.bystander, merchant)[0]
        self.web.run(lambda: rotate_webhook_secret(self.web.gateway, merchant, actor="cli:simulation"))
        now = webhook_secrets(self.bystander, merchant)
        kept = before in now and SECRET_WINDOW.total_seconds() > 0
        self.world.rules.hold("an old secret stays valid for a while", kept, merchant)

    def _request(self, code: str) -> tuple[int, NewInvoice, str]:
        rng, network = self.world.rng, self.grounds.chains.network(code)
        shops = [n for n, each in enumerate(self.grounds.shops) if each.live == network.live]
        asset = network.asset(rng.choice(KINDS[code].currencies))
        in_dollars = rng.random() < 0.3
        amount = rng.choice(["1", "10", "0.5", "100", "100", "7.25", "0.000001"])
        self.asked += 1
        key = f"key {self.asked}"
        new = NewInvoice(
            amount=None if in_dollars else Decimal(amount),
            total_usd=Decimal(rng.choice(["1", "19.99", "1000"])) if in_dollars else None,
            currency=asset.symbol,
            network=code,
            customer_name=f"{self.world.seed} {key}",
            notification_emails="",
            callback_url=rng.choice(URLS),
            priority=Priority.MEDIUM,
            expiry_minutes=rng.choice([1, 2, 5, 15, 60]),
        )
        return rng.choice(shops), new, key
