"""What the ledger says lies where, and what a person books."""

from dataclasses import replace

import pytest

from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.audit import check
from cloudpay.ledger.corrections import post_correction
from cloudpay.ledger.outgoing import Funding, Outgoing, post_funding, post_reserve
from cloudpay.ledger.payments import Receipt, post_receipt
from cloudpay.ledger.pots import Place, Pot, booked
from cloudpay.ledger.sweeps import Collection, post_collecting
from cloudpay.ledger.types import JournalConflict
from cloudpay.testing.clock import START

POT = Pot("mer_1", False, "", Place.MASTER)


@pytest.mark.parametrize("asset", ["", "0xtoken"])
def test_a_master_wallet_holds_what_is_free_and_what_is_promised(gateway: Gateway, asset: str) -> None:
    come = Funding("evm", "0x1", "0xmaster", asset, 0, "mer_1", livemode=False, amount=100)
    with gateway.db.transaction() as session:
        post_funding(session, come, START)
        post_funding(session, replace(come, merchant_id="mer_2", address="0xother", amount=5), START)
        outgoing = Outgoing(
            "sp_1", "mer_1", livemode=False, network="evm", asset=asset, amount=30, fee_reserved=0
        )
        post_reserve(session, outgoing, START)
    other = replace(POT, merchant_id="mer_2", asset=asset)
    with gateway.db.snapshot() as session:
        assert booked(session, "evm") == {replace(POT, asset=asset): 100, other: 5}
        assert booked(session, "bsc") == {}


def test_what_is_on_its_way_lies_at_its_address_until_it_is_booked_as_arrived(gateway: Gateway) -> None:
    receipt = Receipt("pay_1", 1, "mer_1", False, "evm", "", 70)
    with gateway.db.transaction() as session:
        post_receipt(session, receipt, START)
        post_collecting(session, [Collection("swp_1", "mer_1", False, "evm", "", 60)], START)
    with gateway.db.snapshot() as session:
        assert booked(session, "evm") == {replace(POT, place=Place.DEPOSITS): 70}


def test_a_correction_is_booked_once_for_a_block_in_either_direction(gateway: Gateway) -> None:
    with gateway.db.transaction() as session:
        assert post_correction(session, "evm", 9, POT, 5, START)
        assert not post_correction(session, "evm", 9, POT, 5, START)
        assert post_correction(session, "evm", 10, POT, -7, START)
    with gateway.db.transaction() as session, pytest.raises(JournalConflict):
        post_correction(session, "evm", 9, POT, 6, START)
    with gateway.db.snapshot() as session:
        assert booked(session, "evm") == {POT: -2}
    assert check(gateway) == []
