"""Owner and active permissions: who may sign what, and how many must."""

import pytest

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_devnet.tron.transactions import as_json, id_of
from cloudpay_tron.protocol import tron_pb2 as tron_pb

TRANSFER_ONLY = bytes([0b10]) + bytes(31)


@pytest.fixture
def owner(desk: Desk) -> DevKey:
    return desk.account(1_000)


@pytest.fixture
def clerks(desk: Desk) -> tuple[DevKey, DevKey]:
    return desk.account(0), desk.account(0)


def _shared(desk: Desk, owner: DevKey, clerks: tuple[DevKey, DevKey], threshold: int = 2) -> int:
    """Give two clerks an active permission for transfers; the fee that it cost."""
    update = tron_pb.AccountPermissionUpdateContract(owner_address=owner.address)
    update.owner.threshold, update.owner.permission_name = 1, "owner"
    update.owner.keys.add(address=owner.address, weight=1)
    active = update.actives.add(
        type=tron_pb.Permission.Active,
        permission_name="payouts",
        threshold=threshold,
        operations=TRANSFER_ONLY,
    )
    for clerk in clerks:
        active.keys.add(address=clerk.address, weight=1)
    return int(desk.done(update, owner)["fee"])


def _transfer(desk: Desk, owner: DevKey, permission: int) -> tron_pb.Transaction:
    to = desk.account(1)
    contract = tron_pb.TransferContract(owner_address=owner.address, to_address=to.address, amount=TRX)
    return desk.framed(contract, permission=permission)


def test_changing_permissions_costs_a_hundred_trx_and_is_shown(
    desk: Desk, owner: DevKey, clerks: tuple[DevKey, DevKey]
) -> None:
    assert _shared(desk, owner, clerks) >= 100 * TRX
    account = desk.node.call("wallet/getaccount", address=owner.base58, visible=True)
    (active,) = account["active_permission"]
    assert (active["id"], active["permission_name"], active["threshold"]) == (2, "payouts", 2)
    assert {key["address"] for key in active["keys"]} == {clerk.base58 for clerk in clerks}


def test_two_of_two_clerks_must_sign_and_pay_for_it(
    desk: Desk, owner: DevKey, clerks: tuple[DevKey, DevKey]
) -> None:
    _shared(desk, owner, clerks)
    transaction = _transfer(desk, owner, 2)
    one = desk.sent(transaction, clerks[0])
    assert (one["code"], one["message"]) == ("SIGERROR", "Validate signature error: sig error")
    both = desk.sent(transaction, clerks[1])
    assert both["result"], both
    assert desk.receipt(both["txid"])["fee"] >= TRX


def test_one_clerk_cannot_sign_twice(desk: Desk, owner: DevKey, clerks: tuple[DevKey, DevKey]) -> None:
    _shared(desk, owner, clerks)
    answer = desk.sent(_transfer(desk, owner, 2), clerks[0], clerks[0])
    assert "has signed twice!" in answer["message"]


def test_a_clerk_may_not_do_what_the_permission_does_not_name(
    desk: Desk, owner: DevKey, clerks: tuple[DevKey, DevKey]
) -> None:
    _shared(desk, owner, clerks, threshold=1)
    stake = tron_pb.FreezeBalanceV2Contract(owner_address=owner.address, frozen_balance=TRX)
    answer = desk.sent(desk.framed(stake, permission=2), clerks[0])
    assert (answer["code"], answer["message"]) == ("SIGERROR", "Validate signature error: Permission denied")


def test_a_clerk_is_not_the_owner(desk: Desk, owner: DevKey, clerks: tuple[DevKey, DevKey]) -> None:
    _shared(desk, owner, clerks, threshold=1)
    assert "not contained of permission" in desk.sent(_transfer(desk, owner, 0), clerks[0])["message"]
    assert "permission isn't exit" in desk.sent(_transfer(desk, owner, 7), clerks[0])["message"]


def test_the_node_weighs_signatures_before_they_are_sent(
    desk: Desk, owner: DevKey, clerks: tuple[DevKey, DevKey]
) -> None:
    _shared(desk, owner, clerks)
    transaction = _transfer(desk, owner, 2)
    transaction.signature.append(clerks[0].sign(id_of(transaction)))
    weighed = desk.node.call("wallet/getsignweight", **as_json(transaction, visible=False))
    assert weighed["current_weight"] == 1
    assert weighed["result"] == {"code": "NOT_ENOUGH_PERMISSION"}
    assert weighed["approved_list"] == [clerks[0].address.hex()]
    listed = desk.node.call("wallet/getapprovedlist", **as_json(transaction, visible=False))
    assert listed["approved_list"] == [clerks[0].address.hex()]
