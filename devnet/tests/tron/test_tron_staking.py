"""Stake 2.0: freezing gives energy, unfreezing takes fourteen days."""

import pytest

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_tron.protocol import tron_pb2 as tron_pb

DAY_S = 86_400


def _freeze(owner: DevKey, trx: int) -> tron_pb.FreezeBalanceV2Contract:
    return tron_pb.FreezeBalanceV2Contract(
        owner_address=owner.address, frozen_balance=trx * TRX, resource=tron_pb.ENERGY
    )


def _unfreeze(owner: DevKey, trx: int) -> tron_pb.UnfreezeBalanceV2Contract:
    return tron_pb.UnfreezeBalanceV2Contract(
        owner_address=owner.address, unfreeze_balance=trx * TRX, resource=tron_pb.ENERGY
    )


def test_frozen_trx_gives_its_share_of_the_worlds_energy(desk: Desk) -> None:
    owner = desk.account(10_000)
    desk.done(_freeze(owner, 9_000), owner)
    shown = desk.node.call("wallet/getaccountresource", address=owner.address.hex())
    assert shown["EnergyLimit"] == 9_000 * 180_000_000_000 // shown["TotalEnergyWeight"]
    assert 9 * 9_000 < shown["EnergyLimit"] < 10 * 9_000
    account = desk.node.call("wallet/getaccount", address=owner.address.hex())
    assert account["balance"] == 1_000 * TRX
    assert account["frozenV2"] == [{}, {"type": "ENERGY", "amount": 9_000 * TRX}, {"type": "TRON_POWER"}]


@pytest.mark.parametrize(
    ("sun", "sentence"),
    [
        (0, "frozenBalance must be positive"),
        (999_999, "frozenBalance must be greater than or equal to 1 TRX"),
        (99 * TRX, "frozenBalance must be less than or equal to accountBalance"),
    ],
)
def test_a_stake_that_cannot_be_is_refused(desk: Desk, sun: int, sentence: str) -> None:
    owner = desk.account(10)
    made = desk.node.call(
        "wallet/freezebalancev2", owner_address=owner.address.hex(), frozen_balance=sun, resource="ENERGY"
    )
    assert made["Error"].endswith(sentence)


def test_unfrozen_trx_comes_back_after_fourteen_days(fresh_desk: Desk) -> None:
    owner = fresh_desk.account(1_000)
    fresh_desk.done(_freeze(owner, 500), owner)
    fresh_desk.done(_unfreeze(owner, 200), owner)
    account = fresh_desk.node.call("wallet/getaccount", address=owner.address.hex())
    (waiting,) = account["unfrozenV2"]
    assert (waiting["type"], waiting["unfreeze_amount"]) == ("ENERGY", 200 * TRX)
    withdraw = tron_pb.WithdrawExpireUnfreezeContract(owner_address=owner.address)
    early = fresh_desk.sent(fresh_desk.framed(withdraw), owner)
    assert "no unFreeze balance to withdraw" in early["message"]
    assert _withdrawable(fresh_desk, owner, waiting["unfreeze_expire_time"] - 1) == {}
    assert _withdrawable(fresh_desk, owner, waiting["unfreeze_expire_time"]) == {"amount": 200 * TRX}

    fresh_desk.node.pass_time(14 * DAY_S)
    before = fresh_desk.balance(owner.address)
    receipt = fresh_desk.done(withdraw, owner)
    assert receipt["withdraw_expire_amount"] == 200 * TRX
    assert fresh_desk.balance(owner.address) == before + 200 * TRX


def test_what_is_on_its_way_back_can_be_staked_again(desk: Desk) -> None:
    owner = desk.account(1_000)
    desk.done(_freeze(owner, 500), owner)
    desk.done(_unfreeze(owner, 200), owner)
    receipt = desk.done(tron_pb.CancelAllUnfreezeV2Contract(owner_address=owner.address), owner)
    assert receipt["cancel_unfreezeV2_amount"] == [{"key": "ENERGY", "value": 200 * TRX}]
    account = desk.node.call("wallet/getaccount", address=owner.address.hex())
    assert account["frozenV2"][1]["amount"] == 500 * TRX
    assert "unfrozenV2" not in account


def test_more_than_is_staked_cannot_be_unfrozen(desk: Desk) -> None:
    owner = desk.account(1_000)
    desk.done(_freeze(owner, 500), owner)
    answer = desk.sent(desk.framed(_unfreeze(owner, 501)), owner)
    assert "Invalid unfreeze_balance, [501000000] is error" in answer["message"]


def test_only_32_unfreezes_wait_at_once(desk: Desk) -> None:
    owner = desk.account(1_000)
    desk.done(_freeze(owner, 500), owner)
    for _ in range(32):
        desk.done(_unfreeze(owner, 1), owner)
    assert desk.node.call("wallet/getavailableunfreezecount", owner_address=owner.address.hex()) == {}
    answer = desk.sent(desk.framed(_unfreeze(owner, 1)), owner)
    assert "unfreezing times is over limit" in answer["message"]


def _withdrawable(desk: Desk, owner: DevKey, at: int) -> object:
    return desk.node.call(
        "wallet/getcanwithdrawunfreezeamount", owner_address=owner.address.hex(), timestamp=at
    )
