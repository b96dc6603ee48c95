"""From what was asked for to what it means: network, asset and normalised address of each item. Pure, no I/O."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from cloudpay.chains.errors import InvalidAddress
from cloudpay.chains.network import Asset, Network
from cloudpay.chains.registry import Chains
from cloudpay.chains.spending import FeeTier
from cloudpay.kernel.errors import InvalidRequest
from cloudpay.kernel.money import MAX_BASE_UNITS, to_base_units
from cloudpay.merchants.errors import ModeMismatch
from cloudpay.merchants.service import MerchantView
from cloudpay.payouts.errors import PayoutCurrencyUnset, PayoutsRefused
from cloudpay.payouts.views import NewBatch, NewItem


@dataclass(frozen=True, slots=True)
class Resolved:
    """What one item means."""

    item: NewItem
    network: Network
    asset: Asset
    address: str
    amount: int
    tier: FeeTier


class Problems:
    """What is wrong, by field; collected, so that every bad item is named at once."""

    def __init__(self, new: NewBatch) -> None:
        self._new = new
        self._errors: dict[str, list[str]] = defaultdict(list)
        self._kinds: set[type[PayoutsRefused]] = set()

    def add(
        self, number: int, field: str, sentence: str, kind: type[PayoutsRefused] = PayoutsRefused
    ) -> None:
        """Name a field of an item."""
        self.add_field(self._new.field_of(number, field), sentence, kind)

    def add_field(self, field: str, sentence: str, kind: type[PayoutsRefused] = PayoutsRefused) -> None:
        """Name a field of the whole; what is said of it already is not said again."""
        if sentence not in self._errors[field]:
            self._errors[field].append(sentence)
        self._kinds.add(kind)

    def refuse(self) -> None:
        """Raise when there are any: `PayoutCurrencyUnset` where that is all, else `PayoutsRefused`."""
        if self._errors:
            kind = next(iter(self._kinds)) if len(self._kinds) == 1 else PayoutsRefused
            raise kind(self._errors)


class Resolver:
    """Resolves the items of one batch."""

    def __init__(
        self,
        chains: Chains,
        new: NewBatch,
        merchant: MerchantView,
        *,
        problems: Problems,
    ) -> None:
        self._chains, self._new, self._currencies = chains, new, merchant.payout_currencies
        self._livemode, self._problems = merchant.livemode, problems
        self._defaults = (merchant.payout_network, chains.default)
        self._asset = lru_cache(maxsize=None)(self._find_asset)  # few differ, however many items there are
        self._network = lru_cache(maxsize=None)(self._find_network)
        families: dict[str, Network] = {}
        for network in self._allowed():
            families.setdefault(network.key_family.name, network)
        self._families = tuple(families.values())

    def resolve(self) -> tuple[Resolved, ...]:
        """Answer what every item means; what cannot be resolved is among the problems."""
        self._check_ids()
        found = (self._resolve(number, item) for number, item in enumerate(self._new.items))
        return tuple(each for each in found if each is not None)

    def _check_ids(self) -> None:
        first: dict[str, int] = {}
        for number, item in enumerate(self._new.items):
            before = first.setdefault(item.external_id, number)
            if before != number:
                sentence = f"{self._new.name_of(before)} has the same id. Give each payout an id of its own."
                self._problems.add(number, "id", sentence)

    def _resolve(self, number: int, item: NewItem) -> Resolved | None:
        network = self._network_of(number, item)
        if network is None:
            return None
        asset = self._asset_of(number, item, network)
        address = self._address_of(number, item, network)
        amount = None if asset is None else self._amount_of(number, item, asset)
        if asset is None or address is None or amount is None:
            return None
        tier = item.tier or self._new.tier or FeeTier.MEDIUM
        return Resolved(item, network, asset, address, amount, tier)

    def _network_of(self, number: int, item: NewItem) -> Network | None:
        named = item.network or self._new.network
        if named is None:
            return self._network_by_address(number, item.address)
        found = self._network(named)
        if isinstance(found, Network):
            return found
        self._say(number, "network", found, of_item=item.network is not None)
        return None

    def _network_by_address(self, number: int, address: str) -> Network | None:
        """The only enabled network whose address format fits; where several share it, the merchant's or the default."""
        reasons: list[str] = []
        fitting: set[str] = set()
        for each in self._families:
            try:
                each.addresses.parse(address)
            except InvalidAddress as error:
                reasons.append(f"On {each.code}, {error.reason}.")
            else:
                fitting.add(each.key_family.name)
        networks = [each for each in self._allowed() if each.key_family.name in fitting]
        if len(networks) == 1:
            return networks[0]
        by_code = {each.code: each for each in networks}
        default = next((by_code[code] for code in self._defaults if code in by_code), None)
        if default is None:
            choice = ", ".join(each.code for each in networks)
            sentence = (
                f"It is an address on several networks; name one as `network`: {choice}. Or set one once: "
                "`cloudpay merchant payout-network MERCHANT_ID NETWORK`."
                if networks
                else "It is no address on any network here. " + " ".join(reasons)
            )
            self._problems.add(number, "network" if networks else "address", sentence)
        return default

    def _asset_of(self, number: int, item: NewItem, network: Network) -> Asset | None:
        named = item.currency or self._new.currency
        found = self._asset(network.code, named)
        if isinstance(found, Asset):
            return found
        of_item = item.currency is not None or named is None
        self._say(number, "currency", found, of_item=of_item, kind=_kind_of(found))
        return None

    def _say(
        self,
        number: int,
        field: str,
        error: InvalidRequest,
        *,
        of_item: bool,
        kind: type[PayoutsRefused] = PayoutsRefused,
    ) -> None:
        for sentence in error.errors[field]:
            if of_item:
                self._problems.add(number, field, sentence, kind)
            else:
                self._problems.add_field(field, sentence, kind)

    def _address_of(self, number: int, item: NewItem, network: Network) -> str | None:
        try:
            address = network.addresses.parse(item.address)
        except InvalidAddress as error:
            self._problems.add(number, "address", f"On {network.code}, {error.reason}.")
            return None
        if any(asset.contract == address for asset in network.assets):
            sentence = (
                "It is the contract of a token: what is sent there is lost. Send it to its owner's address."
            )
            self._problems.add(number, "address", sentence)
        return address

    def _amount_of(self, number: int, item: NewItem, asset: Asset) -> int | None:
        try:
            units = to_base_units(item.amount, asset.decimals)
        except InvalidRequest as error:
            self._say(number, "amount", error, of_item=True)
            return None
        if units > MAX_BASE_UNITS:
            self._problems.add(number, "amount", f"It is more than any {asset.symbol} there can be.")
            return None
        return units

    def _find_network(self, code: str) -> Network | InvalidRequest:
        try:
            network = self._chains.network(code)
        except InvalidRequest as error:
            return error
        return network if network.live == self._livemode else ModeMismatch(network.code, live=network.live)

    def _find_asset(self, code: str, named: str | None) -> Asset | InvalidRequest:
        symbol = named or self._currencies.get(code)
        if symbol is None:
            return PayoutCurrencyUnset({"currency": [_unset(code)]})
        try:
            return self._chains.network(code).asset(symbol)
        except InvalidRequest as error:
            return error

    def _allowed(self) -> Iterable[Network]:
        return (network for network in self._chains if network.live == self._livemode)


def _kind_of(found: InvalidRequest) -> type[PayoutsRefused]:
    return PayoutCurrencyUnset if isinstance(found, PayoutCurrencyUnset) else PayoutsRefused


def _unset(code: str) -> str:
    return (
        f"No payout currency is set for {code}. Name one as `currency`, or set it once: "
        f"`cloudpay merchant payout-currency MERCHANT_ID {code}=SYMBOL`."
    )
