"""The guard before the keys: what differs from what was asked is not signed, nor what is above a ceiling."""

from dataclasses import replace
from pathlib import Path

import pytest

import cloudpay
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.chains.registry import load_chains
from cloudpay.chains.spending import Draft, FeeTier, KeyPath, Spend, SpendContext
from cloudpay.chains.types import GAS_CHAIN, MASTER_CHAIN
from cloudpay.merchants.service import MerchantView
from cloudpay.testing import FakeChain, FakePlugin, FixedClock, fake_address
from cloudpay.testing.signing import WORDS
from cloudpay.wallets.day import DayTotals
from cloudpay.wallets.guard import BytesDiffer, FeeAboveCap, Guard, SignerRefused
from cloudpay.wallets.limits import InvalidLimits, LimitsMissing, limits_template, read_ceilings
from cloudpay.wallets.masters import MasterWallet, master_wallet
from cloudpay.wallets.service import wallet_address
from cloudpay.wallets.signer import MasterKey

THIEF = fake_address("a thief")
SHOP = fake_address("a shop")

LIMITS = """
[networks.evm]
max_fee = "0.0000000000000001"

[networks.evm.assets.ETH]
per_transaction = "0.000000000000001"
per_day = "0.0000000000000015"
"""


class Bench:
    """A guard with everything around it."""

    def __init__(self, network: Network, chain: FakeChain, master: MasterWallet, clock: FixedClock) -> None:
        self.network, self.chain, self.master, self.clock = network, chain, master, clock
        ring = MasterKey.from_words(WORDS).ring(network.key_family.coin_type)
        self.guard = Guard(network, ring, 10_000, None, DayTotals(unix=clock.unix))
        self.ours = {master.address: master.path}

    def limited(self, path: Path, text: str) -> None:
        """Give the guard a limits file."""
        path.write_text(text)
        self.guard = replace(self.guard, ceilings=read_ceilings(path, self.network))

    def draft(self, spend_id: str = "p1", amount: int = 100, recipient: str = SHOP) -> Draft:
        """Have the chain draft a payout."""
        context = SpendContext(FeeTier.MEDIUM, 10**9, self.ours, self.master.address)
        spend = Spend(spend_id, self.master.address, recipient, None, amount)
        [draft] = self.chain.prepare([spend], context).drafts
        return draft

    def sign(self, draft: Draft) -> str:
        """Sign it; answer its id."""
        return self.guard.sign(self.chain, draft, self.ours)[0].tx_id


@pytest.fixture
def bench(gateway: Gateway, merchant: MerchantView, fakes: FakePlugin, clock: FixedClock) -> Bench:
    """A guard without ceilings, over a master wallet with money."""
    network = gateway.chains.network("evm")
    gateway.chains.adapter("evm")
    master = master_wallet(gateway, network, merchant.id)
    fakes.chains["evm"].fund(master.address, 10**9)
    return Bench(network, fakes.chains["evm"], master, clock)


def test_what_was_asked_is_signed_with_the_key_of_its_source(bench: Bench) -> None:
    draft = bench.draft()
    signed, explained = bench.guard.sign(bench.chain, draft, bench.ours)
    assert explained.payees == bench.chain.explain(signed.raw).payees
    [answer] = bench.chain.broadcast([signed])
    assert (
        answer.outcome.name == "ACCEPTED"
    )  # the fake node recovers the signer, and holds it against the source


def test_bytes_that_pay_somebody_else_are_not_signed(bench: Bench) -> None:
    draft, theft = bench.draft(), bench.draft(recipient=THIEF)
    with pytest.raises(BytesDiffer, match="do not pay"):
        bench.sign(replace(draft, unsigned=theft.unsigned))


def test_bytes_that_pay_more_are_not_signed(bench: Bench) -> None:
    draft, more = bench.draft(), bench.draft(amount=101)
    with pytest.raises(BytesDiffer):
        bench.sign(replace(draft, unsigned=more.unsigned))


def test_bytes_that_also_pay_a_stranger_are_not_signed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    explain = bench.chain.explain
    stranger = bench.chain.explain(bench.draft(recipient=THIEF).unsigned).payees
    draft = bench.draft()
    monkeypatch.setattr(
        bench.chain, "explain", lambda raw: replace(explain(raw), payees=explain(raw).payees + stranger)
    )
    with pytest.raises(BytesDiffer, match="also pay"):
        bench.sign(draft)


def test_an_address_that_the_database_calls_ours_is_derived_before_it_is_believed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Change may go back to us; a row that gives a thief's address one of our paths changes nothing."""
    explain = bench.chain.explain
    draft = bench.draft()
    for address, wanted in ((bench.master.address, True), (THIEF, False)):
        payee = replace(explain(draft.unsigned).payees[0], recipient=address)
        monkeypatch.setattr(
            bench.chain,
            "explain",
            lambda raw, payee=payee: replace(explain(raw), payees=(*explain(raw).payees, payee)),
        )
        ours = {address: bench.master.path, bench.master.address: bench.master.path}
        if wanted:
            bench.guard.sign(bench.chain, draft, ours)
        else:
            with pytest.raises(BytesDiffer):
                bench.guard.sign(bench.chain, draft, ours)


def test_signed_bytes_that_say_something_else_are_not_handed_out(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign, theft = bench.chain.sign, bench.draft(recipient=THIEF)
    draft = bench.draft()
    monkeypatch.setattr(bench.chain, "sign", lambda _draft, signer: sign(theft, signer))
    with pytest.raises(BytesDiffer, match="not the ones"):
        bench.sign(draft)


def test_f59_a_fee_above_the_cap_is_not_signed(bench: Bench) -> None:
    bench.guard = replace(bench.guard, fee_cap=19)
    with pytest.raises(FeeAboveCap):
        bench.sign(bench.draft())


def test_f72_the_file_holds_a_transaction_and_a_day_to_their_ceilings(bench: Bench, tmp_path: Path) -> None:
    bench.limited(tmp_path / "signer.toml", LIMITS)
    with pytest.raises(SignerRefused, match="one transaction"):
        bench.sign(bench.draft("big", 1001))
    bench.sign(bench.draft("p1", 1000))
    bench.sign(bench.draft("p1", 1000))  # the same spend again, as a fee bump: it is counted once
    with pytest.raises(SignerRefused, match="today"):
        bench.sign(bench.draft("p2", 501))
    bench.sign(bench.draft("p3", 500))
    bench.clock.moment = bench.clock.moment.replace(day=2)
    bench.sign(bench.draft("p2", 501))


def test_f72_the_same_id_with_another_recipient_is_another_spend(bench: Bench, tmp_path: Path) -> None:
    bench.limited(tmp_path / "signer.toml", LIMITS)
    bench.sign(bench.draft("p1", 1000))
    with pytest.raises(SignerRefused, match="today"):
        bench.sign(bench.draft("p1", 1000, THIEF))


def test_f72_only_listed_recipients_are_paid_where_some_are_listed(bench: Bench, tmp_path: Path) -> None:
    allowed = LIMITS.replace("max_fee", f'recipients = ["{SHOP}"]\nmax_fee')
    bench.limited(tmp_path / "signer.toml", allowed)
    bench.sign(bench.draft())
    with pytest.raises(SignerRefused, match="not among the recipients"):
        bench.sign(bench.draft("p2", recipient=THIEF))
    bench.sign(bench.draft("p3", recipient=bench.master.address))  # what stays ours needs no leave


def test_f72_an_asset_that_the_file_does_not_name_is_not_sent(bench: Bench, tmp_path: Path) -> None:
    bench.limited(tmp_path / "signer.toml", "[networks.evm]\n")
    with pytest.raises(SignerRefused, match="no ceiling"):
        bench.sign(bench.draft())


@pytest.fixture
def live(fakes: FakePlugin) -> Network:
    """A network with real money."""
    return load_chains({"evm": {"live": True}}, "evm", ("fake", fakes)).network("evm")


def test_real_money_needs_the_file_and_test_money_does_not(
    live: Network, bench: Bench, tmp_path: Path
) -> None:
    with pytest.raises(LimitsMissing, match="cloudpay wallet limits"):
        read_ceilings(tmp_path / "signer.toml", live)
    assert read_ceilings(tmp_path / "signer.toml", bench.network) is None


def test_the_template_is_read_and_lets_nothing_out(live: Network, tmp_path: Path) -> None:
    path = tmp_path / "signer.toml"
    path.write_text(limits_template([live]))
    ceilings = read_ceilings(path, live)
    assert ceilings is not None
    assert {(each.per_transaction, each.per_day) for each in ceilings.assets.values()} == {(0, 0)}


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "[networks.evm]\nmax_fees = '1'",
        "[networks.evm.assets.NONE]\nper_transaction = '1'\nper_day = '1'",
        "[networks.evm.assets.ETH]\nper_transaction = '-1'\nper_day = '1'",
        "[networks.evm]\nrecipients = ['nobody']",
    ],
)
def test_a_file_that_does_not_fit_signs_nothing(live: Network, tmp_path: Path, text: str) -> None:
    path = tmp_path / "signer.toml"
    path.write_text(text)
    with pytest.raises(InvalidLimits, match=str(path)):
        read_ceilings(path, live)


def test_private_children_are_those_of_public_derivation(bench: Bench) -> None:
    """BIP-32: the key that signs for an address is the one behind it."""
    path = KeyPath(0, 1, 0)
    xpub = bench.guard.ring.account_public_key(0)
    assert bench.network.addresses.derive(xpub, 1, 0) == bench.master.address
    signature = bench.guard.ring.sign(path, bytes(32))
    assert len(signature) == 65 and signature[64] in range(4)
    with pytest.raises(ValueError, match="32 bytes"):
        bench.guard.ring.sign(path, b"short")


def test_only_the_sender_and_the_wallets_commands_read_the_seal_key() -> None:
    product = Path(cloudpay.__file__).parent
    texts = {
        str(path.relative_to(product)): path.read_text(encoding="utf-8") for path in product.rglob("*.py")
    }
    readers = {name for name, text in texts.items() if "seal_key_path" in text and "read_key(" in text}
    assert readers == {"wallets/sealing.py"}
    askers = {name for name, text in texts.items() if "key_source(" in text}
    commands = {"cli/backup.py", "cli/wallet.py", "wallets/resealing.py"}
    assert (
        askers
        == {"wallets/sealing.py", "transactions/station.py", "transactions/loop.py", "app/doctor.py"}
        | commands
    )
    opening = ("open_wallet(", "open_words(", "reveal_words(")
    openers = {name for name, text in texts.items() if any(each in text for each in opening)}
    wallets = {"wallets/setup.py", "wallets/seed.py", "wallets/backups.py", "wallets/resealing.py"}
    assert openers == {"transactions/station.py"} | wallets


@pytest.mark.parametrize("limited", [False, True])
def test_what_a_gas_station_holds_goes_to_its_merchants_own_addresses_alone(
    bench: Bench, gateway: Gateway, tmp_path: Path, limited: bool
) -> None:
    """No ceiling allows more, on a test network neither: a stolen database sends its coins nowhere."""
    with gateway.db.read() as session:
        path = KeyPath(bench.master.path.account, GAS_CHAIN, 0)
        station = wallet_address(session, bench.network, path.account, path.chain) or ""
        foreign = KeyPath(path.account + 1, MASTER_CHAIN, 0)
        other = wallet_address(session, bench.network, foreign.account, foreign.chain) or ""
    bench.chain.fund(station, 10**9)
    bench.ours |= {station: path, other: foreign}
    if limited:
        bench.limited(tmp_path / "signer.toml", LIMITS)
    context = SpendContext(FeeTier.MEDIUM, 10**9, bench.ours, station)

    def draft(recipient: str) -> Draft:
        [made] = bench.chain.prepare([Spend("t1", station, recipient, None, 100)], context).drafts
        return made

    assert bench.sign(draft(bench.master.address))
    for stranger in (SHOP, other):
        with pytest.raises(SignerRefused, match="its merchant's own addresses alone"):
            bench.sign(draft(stranger))
    bench.ours[THIEF] = bench.master.path
    with pytest.raises(SignerRefused, match="its merchant's own addresses alone"):
        bench.sign(draft(THIEF))
