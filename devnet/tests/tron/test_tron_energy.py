"""Energy: staked energy is used before TRX, and a deployer may pay a part."""

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_tron.protocol import tron_pb2 as tron_pb

TRANSFER = "transfer(address,uint256)"
TOKEN_TYPES = ("string", "string", "uint8", "bool", "address")


def _token(desk: Desk, issuer: DevKey, holder: DevKey, caller_percent: int = 100) -> bytes:
    values = ("Tether USD", "USDT", 6, False, issuer.address)
    place = desk.deployed("DevToken", TOKEN_TYPES, values, issuer, caller_percent=caller_percent)
    desk.called(place, "mint(address,uint256)", (holder.address, 10_000_000), issuer)
    return place


def _stake(desk: Desk, owner: DevKey, trx: int) -> None:
    stake = tron_pb.FreezeBalanceV2Contract(
        owner_address=owner.address, frozen_balance=trx * TRX, resource=tron_pb.ENERGY
    )
    desk.done(stake, owner)


def _shown(desk: Desk, who: DevKey) -> dict[str, int]:
    shown: dict[str, int] = desk.node.call("wallet/getaccountresource", address=who.address.hex())
    return shown


def test_staked_energy_pays_before_trx_does(desk: Desk) -> None:
    issuer, holder = desk.account(3_000), desk.account(20_000)
    token = _token(desk, issuer, holder)
    _stake(desk, holder, 10_000)
    receipt = desk.called(token, TRANSFER, (desk.account(0).address, 1), holder)["receipt"]
    assert receipt["energy_usage"] == receipt["energy_usage_total"]
    assert "energy_fee" not in receipt
    assert abs(_shown(desk, holder)["EnergyUsed"] - receipt["energy_usage"]) <= 1


def test_what_the_stake_does_not_give_is_burned_in_trx(desk: Desk) -> None:
    issuer, holder = desk.account(3_000), desk.account(20_000)
    token = _token(desk, issuer, holder)
    _stake(desk, holder, 500)
    staked = _shown(desk, holder)["EnergyLimit"]
    receipt = desk.called(token, TRANSFER, (desk.account(0).address, 1), holder)["receipt"]
    assert receipt["energy_usage"] == staked
    assert receipt["energy_fee"] == (receipt["energy_usage_total"] - staked) * 100


def test_lent_energy_pays_for_the_borrowers_call(desk: Desk) -> None:
    issuer, holder, giver = desk.account(3_000), desk.account(2), desk.account(20_000)
    token = _token(desk, issuer, holder)
    _stake(desk, giver, 15_000)
    loan = tron_pb.DelegateResourceContract(
        owner_address=giver.address,
        receiver_address=holder.address,
        balance=15_000 * TRX,
        resource=tron_pb.ENERGY,
    )
    desk.done(loan, giver)
    receipt = desk.called(token, TRANSFER, (desk.account(0).address, 1), holder)
    assert receipt["receipt"]["result"] == "SUCCESS"
    assert receipt.get("fee", 0) == receipt["receipt"].get("net_fee", 0)
    back = tron_pb.UnDelegateResourceContract(
        owner_address=giver.address,
        receiver_address=holder.address,
        balance=15_000 * TRX,
        resource=tron_pb.ENERGY,
    )
    desk.done(back, giver)
    used = receipt["receipt"]["energy_usage_total"]
    assert abs(_shown(desk, giver)["EnergyUsed"] - used) <= 1
    assert "EnergyUsed" not in _shown(desk, holder)


def test_the_fee_limit_caps_staked_energy_too(desk: Desk) -> None:
    issuer, holder = desk.account(3_000), desk.account(20_000)
    token = _token(desk, issuer, holder)
    _stake(desk, holder, 10_000)
    receipt = desk.called(token, TRANSFER, (desk.account(0).address, 1), holder, fee_limit=500_000)
    assert receipt["receipt"]["result"] == "OUT_OF_ENERGY"
    assert receipt["receipt"]["energy_usage_total"] == 5_000
    assert receipt["receipt"]["energy_usage"] == 5_000


def test_a_deployer_with_stake_pays_the_part_that_the_contract_names(desk: Desk) -> None:
    issuer, holder = desk.account(20_000), desk.account(100)
    token = _token(desk, issuer, holder, caller_percent=40)
    _stake(desk, issuer, 15_000)
    receipt = desk.called(token, TRANSFER, (desk.account(0).address, 1), holder)["receipt"]
    total = receipt["energy_usage_total"]
    assert receipt["origin_energy_usage"] == total * 60 // 100
    assert receipt["energy_fee"] == (total - total * 60 // 100) * 100


def test_a_voted_price_holds_from_the_next_block_on(fresh_desk: Desk) -> None:
    issuer = fresh_desk.account(9_000)
    token = _token(fresh_desk, issuer, issuer)
    fresh_desk.node.control("parameters", energy_fee=420)
    receipt = fresh_desk.called(token, TRANSFER, (fresh_desk.account(0).address, 1), issuer)["receipt"]
    assert receipt["energy_fee"] == receipt["energy_usage_total"] * 420
