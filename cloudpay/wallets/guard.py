"""Stands before the keys: holds bytes against what was asked, and against the ceilings, before they are signed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from cloudpay.chains.network import Network
from cloudpay.chains.spending import Draft, Explained, KeyPath, Payee, Signed, Spend, SpendingAdapter
from cloudpay.chains.types import GAS_CHAIN
from cloudpay.kernel.errors import CloudPayError, Forbidden
from cloudpay.kernel.money import format_amount
from cloudpay.wallets.day import DayTotals
from cloudpay.wallets.limits import Ceilings
from cloudpay.wallets.signer import KeyRing


class SignerRefused(Forbidden):
    """What was asked is more than the signer may sign: it waits until the ceilings allow it, or is taken back."""

    code: ClassVar[str] = "signer_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The signer does not sign it: {reason}.")
        self.reason = reason


class FeeAboveCap(SignerRefused):
    """The fee that the chain wants now is above what may be paid; it passes by itself as a rule (fault F59)."""

    code: ClassVar[str] = "fee_above_cap"


class BytesDiffer(CloudPayError):
    """The bytes do something else than was asked: a plugin or a node was tampered with; nothing is signed any more."""

    code: ClassVar[str] = "bytes_differ"

    def __init__(self, network: str, reason: str) -> None:
        super().__init__(
            f"What was to be signed on {network} does something else than was asked: {reason}. "
            "Check the installed chain plugins and the nodes before anything is signed again."
        )
        self.network, self.reason = network, reason


@dataclass(frozen=True)
class Guard:
    """Signs for one network during one pass; `fee_cap` is in native base units, `ceilings` None: a test network."""

    network: Network
    ring: KeyRing
    fee_cap: int
    ceilings: Ceilings | None
    day: DayTotals

    def sign(
        self, adapter: SpendingAdapter, draft: Draft, ours: Mapping[str, KeyPath]
    ) -> tuple[Signed, Explained]:
        """Sign a draft, and answer what the bytes can do at most.

        `ours` names the paths of addresses that are said to be ours; each that counts is derived anew from the seed.
        Raises `SignerRefused` and `BytesDiffer`.
        """
        wanted = self.check(adapter, draft, ours)
        try:
            signed = adapter.sign(draft, self.ring)
        except ValueError as error:
            raise BytesDiffer(
                self.network.code, f"they cannot be signed as they should be ({error})"
            ) from error
        says = self._explain(adapter, signed.raw)
        if says.sender not in (None, draft.spends[0].source) or replace(says, sender=wanted.sender) != wanted:
            raise BytesDiffer(self.network.code, "the signed bytes are not the ones that were to be signed")
        for spend in draft.spends:
            if not self._is_ours(spend.recipient, ours):
                self.day.count(self.network.code, spend, draft.claims)
        return signed, wanted

    def check(self, adapter: SpendingAdapter, draft: Draft, ours: Mapping[str, KeyPath]) -> Explained:
        """Say what the bytes of a draft can do at most, or raise what `sign` would raise; nothing is signed."""
        wanted = self._explain(adapter, draft.unsigned)
        self._hold_against_spends(draft, wanted, ours)
        self._hold_at_home(draft, wanted, ours)
        self._hold_against_ceilings(draft, wanted, ours)
        return wanted

    def _explain(self, adapter: SpendingAdapter, raw: bytes) -> Explained:
        try:
            return adapter.explain(raw)
        except ValueError as error:
            raise BytesDiffer(self.network.code, f"the bytes cannot be read ({error})") from error

    def _hold_against_spends(self, draft: Draft, wanted: Explained, ours: Mapping[str, KeyPath]) -> None:
        asked = Counter(Payee(each.recipient, each.contract, each.amount) for each in draft.spends)
        does = Counter(wanted.payees)
        missing = asked - does
        if missing:
            raise BytesDiffer(self.network.code, f"they do not pay {_name(next(iter(missing)))}")
        for payee in does - asked:
            if not self._is_ours(payee.recipient, ours):
                raise BytesDiffer(self.network.code, f"they also pay {_name(payee)}")

    def _hold_at_home(self, draft: Draft, wanted: Explained, ours: Mapping[str, KeyPath]) -> None:
        """What a gas station of its own holds stays with its merchant: no ceiling lets it go to anybody else."""
        accounts = {path.account for path in draft.signers if path.chain == GAS_CHAIN}
        for payee in wanted.payees if accounts else ():
            if not self._is_ours(payee.recipient, ours) or {ours[payee.recipient].account} != accounts:
                raise SignerRefused(
                    f"a gas station fuels its merchant's own addresses alone, and {payee.recipient} is none of them"
                )

    def _hold_against_ceilings(self, draft: Draft, wanted: Explained, ours: Mapping[str, KeyPath]) -> None:
        native = self.network.native
        cap = self.fee_cap
        if self.ceilings is not None and self.ceilings.max_fee is not None:
            cap = min(cap, self.ceilings.max_fee)
        if wanted.largest_fee > cap:
            fee, most = (format_amount(each, native.decimals) for each in (wanted.largest_fee, cap))
            raise FeeAboveCap(f"its fee may be {fee} {native.symbol}, and {most} is the most that is paid")
        if self.ceilings is not None:
            going_out = tuple(each for each in draft.spends if not self._is_ours(each.recipient, ours))
            self._hold_amounts(going_out, draft.claims, self.ceilings)

    def _hold_amounts(self, going_out: tuple[Spend, ...], claims: frozenset[str], ceilings: Ceilings) -> None:
        for spend in going_out:
            if ceilings.recipients and spend.recipient not in ceilings.recipients:
                raise SignerRefused(f"{spend.recipient} is not among the recipients of its limits file")
        for asset, total in self.day.would_be(self.network.code, going_out, claims).items():
            ceiling = ceilings.assets.get(asset)
            name = asset or self.network.native.symbol
            if ceiling is None:
                raise SignerRefused(f"{name} has no ceiling in its limits file")
            if (
                sum(each.amount for each in going_out if (each.contract or "") == asset)
                > ceiling.per_transaction
            ):
                raise SignerRefused(f"it is more {name} than one transaction may send by its limits file")
            if total > ceiling.per_day:
                raise SignerRefused(f"more {name} would be sent today than its limits file allows")

    def _is_ours(self, address: str, ours: Mapping[str, KeyPath]) -> bool:
        """Say whether an address is ours, by the seed and not by what the database says."""
        path = ours.get(address)
        if path is None:
            return False
        account_key = self.ring.account_public_key(path.account)
        return self.network.addresses.derive(account_key, path.chain, path.index) == address


def _name(payee: Payee) -> str:
    return f"{payee.recipient} {payee.amount} base units of {payee.contract or 'the native coin'}"
