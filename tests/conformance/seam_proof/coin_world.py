"""The conformance suite's world over a chain of coins."""

from collections.abc import Iterable, Mapping, Sequence

from cloudpay.chains.adapter import ChainDefinition
from cloudpay.chains.errors import WrongChain
from cloudpay.chains.registry import load_chains
from cloudpay.chains.settings import NetworkSettings
from cloudpay.chains.spending import Draft, KeyPath
from cloudpay.kernel.errors import CloudPayError
from cloudpay.kernel.plugins import hookimpl
from cloudpay.testing import FakeAddresses, FakeChain, SeedSigner, fake_address
from cloudpay.testing.addresses import FAKE_FAMILY
from cloudpay.testing.fakeworld import FakeWorld
from tests.conformance.seam_proof.chains import CoinChain, Wire

FEE = 20


class CoinPlugin:
    """Declares one network that has no token."""

    @hookimpl
    def cloudpay_chains(self) -> Iterable[ChainDefinition]:
        defaults = {
            "rpc_urls": ["fake://coins"],
            "confirmations": 6,
            "native": "COIN",
            "assets": {"COIN": {"decimals": 8}},
        }
        return (
            ChainDefinition(
                network="coins",
                key_family=FAKE_FAMILY,
                settings_schema=NetworkSettings,
                addresses=lambda _settings, network: FakeAddresses(network),
                open=lambda _settings, network: CoinChain(network),
                defaults=defaults,
            ),
        )


class CoinWorld(FakeWorld):
    """Every payment is a transaction of inputs and outputs."""

    largest_amount = 21_000_000 * 10**8

    def __init__(self) -> None:
        self.network = load_chains({"coins": {}}, "coins", ("coins", CoinPlugin())).network("coins")
        self.adapter: FakeChain = CoinChain("coins")
        self.adapter.settings = self.network.settings
        self.token, self.lookalike = None, ""
        self.blocks_to_finality = self.network.settings.confirmations - 1
        self._made, self._paths = 0, {}

    def send(
        self,
        to: str,
        amount: int,
        contract: str | None = None,
        *,
        sender: str | None = None,
        fails: bool = False,
    ) -> str:
        """Send from a coin of the exact size; what `fails` is replaced before it is mined (fault F21)."""
        assert contract is None
        tx_id, source = self._pay([(to, amount)], sender, FEE)
        if fails:
            self._pay([(self.new_address(), amount - 1)], source, FEE + 1, coin=f"genesis:{self._coins - 1}")
        return tx_id

    def send_many(self, payments: Sequence[tuple[str, int]], contract: str | None) -> str:
        assert contract is None
        return self._pay(payments, None, FEE)[0]

    def misconfigured(self) -> Mapping[type[CloudPayError], FakeChain]:
        other = CoinChain("coins")
        other.wrong_chain = True
        return {WrongChain: other}

    @property
    def _coins(self) -> int:
        assert isinstance(self.adapter, CoinChain)
        return len(self.adapter.genesis)

    def _pay(
        self, payments: Sequence[tuple[str, int]], sender: str | None, fee: int, coin: str = ""
    ) -> tuple[str, str]:
        assert isinstance(self.adapter, CoinChain)
        source = sender or fake_address(f"payer {self._coins}")
        size = sum(amount for _to, amount in payments) + fee
        claim = coin or self.adapter.give(source, size).claim
        payees = tuple((to, None, amount) for to, amount in payments)
        wire = Wire(source, ((claim, source, size),), payees, fee, None, memo="")
        draft = Draft((), wire.claims, (), None, (KeyPath(0, 0, 0),), wire.encode())
        signed = self.adapter.sign(draft, SeedSigner())
        self.adapter.broadcast([signed])
        return signed.tx_id, source
