from dataclasses import replace

from cloudpay.chains.gateway import Gateway
from cloudpay.ledger.audit import check
from cloudpay.ledger.outside import Moved, post_moved, post_moved_reversed
from cloudpay.ledger.service import balances
from cloudpay.ledger.types import AccountKind
from cloudpay.testing.clock import START

LEFT = Moved("out_1", 1, "mer_1", livemode=False, network="evm", asset="", amount=7, leaves=True)


def held(gateway: Gateway) -> dict[AccountKind, int]:
    with gateway.db.read() as session:
        return {key.kind: each.held for key, each in balances(session, "mer_1", False).items()}


def test_what_left_a_deposit_address_went_outside_and_what_came_from_there(gateway: Gateway) -> None:
    with gateway.db.transaction() as session:
        assert post_moved(session, replace(LEFT, transfer_id="out_2", leaves=False, amount=10), START)
        assert post_moved(session, LEFT, START)
    assert held(gateway) == {AccountKind.DEPOSITS: 3, AccountKind.FUNDING: -3}
    assert check(gateway) == []


def test_it_is_booked_once_for_each_turn_and_reversed_exactly(gateway: Gateway) -> None:
    with gateway.db.transaction() as session:
        assert post_moved(session, LEFT, START)
        assert not post_moved(session, LEFT, START)
        assert post_moved_reversed(session, LEFT, START)
        assert not post_moved_reversed(session, LEFT, START)
        assert post_moved(session, replace(LEFT, count=2), START)
    assert held(gateway) == {AccountKind.DEPOSITS: -7, AccountKind.FUNDING: 7}
