"""Checks of the light half: derivation, parsing, payment URIs."""

import pytest

from cloudpay.chains.errors import InvalidAddress
from cloudpay.chains.types import DEPOSIT_CHAIN, GAS_CHAIN, MASTER_CHAIN, PaymentRequest
from cloudpay.testing.conformance.tools import is_normalised, listed_token
from cloudpay.testing.conformance.world import ChainWorld

_AMOUNT = 1_234_567


class AddressChecks:
    """What `Addresses` promises."""

    def test_derivation_is_deterministic_distinct_and_normalised(self, world: ChainWorld) -> None:
        addresses = world.network.addresses
        chains = (DEPOSIT_CHAIN, MASTER_CHAIN, GAS_CHAIN)
        paths = [(chain, index) for chain in chains for index in range(40)]
        derived = [addresses.derive(world.account_key, *path) for path in paths]
        assert len(set(derived)) == len(paths), "two paths gave one address"
        assert derived == [addresses.derive(world.account_key, *path) for path in paths], "derivation changed"
        assert all(is_normalised(addresses, each) for each in derived), "a derived address is not normalised"

    def test_derivation_needs_no_node(self, world: ChainWorld) -> None:
        with world.nodes_down():
            assert world.network.addresses.derive(world.account_key, DEPOSIT_CHAIN, 7)

    def test_parse_normalises_every_spelling(self, world: ChainWorld) -> None:
        for spelling, normalised in world.spellings.items():
            assert world.network.addresses.parse(spelling) == normalised, f"{spelling!r} was not normalised"
            assert is_normalised(world.network.addresses, normalised)

    def test_parse_refuses_what_is_no_address(self, world: ChainWorld) -> None:
        good = world.new_address()
        broken = [
            "",
            " ",
            "x",
            good[:-1],
            good + "0",
            good + "\n",
            good + "\0",
            good[:-1] + "\u0430",
            "\uff10" + good,
        ]
        for text in (*world.not_addresses, *broken):
            with pytest.raises(InvalidAddress):
                pytest.fail(f"{text!r} was taken for {world.network.addresses.parse(text)!r}")

    def test_payment_uri_carries_address_and_amount(self, world: ChainWorld) -> None:
        requests = [self._request(world, None, world.network.native.decimals)]
        if world.token:
            requests.append(self._request(world, world.token.contract, listed_token(world).decimals))
        for request in requests:
            uri = world.network.addresses.payment_uri(request).uri
            assert request.address.lower() in uri.lower(), f"{uri} lacks the address"
            assert str(_AMOUNT) in uri.replace(".", ""), f"{uri} lacks the amount {_AMOUNT}"
            assert (request.contract or "").lower() in uri.lower(), f"{uri} lacks the token's contract"

    def test_a_label_cannot_change_the_payment_uri(self, world: ChainWorld) -> None:
        request = self._request(world, None, world.network.native.decimals)
        assert "&amount=9" not in world.network.addresses.payment_uri(request).uri
        assert "\n" not in world.network.addresses.payment_uri(request).uri

    @staticmethod
    def _request(world: ChainWorld, contract: str | None, decimals: int) -> PaymentRequest:
        return PaymentRequest(world.new_address(), contract, _AMOUNT, decimals, "order 1&amount=9\n")
