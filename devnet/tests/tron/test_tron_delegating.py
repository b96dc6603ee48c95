"""Stake's resources can be lent, locked for a while, and taken back."""

from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_tron.protocol import tron_pb2 as tron_pb


def _staker(desk: Desk, trx: int = 10_000) -> DevKey:
    owner = desk.account(trx + 100)
    stake = tron_pb.FreezeBalanceV2Contract(
        owner_address=owner.address, frozen_balance=trx * TRX, resource=tron_pb.ENERGY
    )
    desk.done(stake, owner)
    return owner


def _lend(giver: DevKey, to: bytes, trx: int, lock: int = 0) -> tron_pb.DelegateResourceContract:
    return tron_pb.DelegateResourceContract(
        owner_address=giver.address,
        receiver_address=to,
        balance=trx * TRX,
        resource=tron_pb.ENERGY,
        lock=bool(lock),
        lock_period=lock,
    )


def _take(giver: DevKey, to: bytes, trx: int) -> tron_pb.UnDelegateResourceContract:
    return tron_pb.UnDelegateResourceContract(
        owner_address=giver.address, receiver_address=to, balance=trx * TRX, resource=tron_pb.ENERGY
    )


def _energy(desk: Desk, who: DevKey) -> int:
    shown = desk.node.call("wallet/getaccountresource", address=who.address.hex())
    return int(shown.get("EnergyLimit", 0))


def test_lent_energy_is_the_borrowers_until_it_is_taken_back(desk: Desk) -> None:
    giver, borrower = _staker(desk), desk.account(1)
    whole = _energy(desk, giver)
    desk.done(_lend(giver, borrower.address, 4_000), giver)
    assert abs(_energy(desk, borrower) - whole * 4 // 10) <= 1
    assert abs(_energy(desk, giver) - whole * 6 // 10) <= 1
    account = desk.node.call("wallet/getaccount", address=giver.base58, visible=True)
    assert account["account_resource"]["delegated_frozenV2_balance_for_energy"] == 4_000 * TRX
    desk.done(_take(giver, borrower.address, 4_000), giver)
    assert (_energy(desk, giver), _energy(desk, borrower)) == (whole, 0)


def test_the_node_tells_who_lends_what_to_whom(desk: Desk) -> None:
    giver, borrower = _staker(desk), desk.account(1)
    desk.done(_lend(giver, borrower.address, 4_000), giver)
    pair = {"fromAddress": giver.base58, "toAddress": borrower.base58, "visible": True}
    lent = desk.node.call("wallet/getdelegatedresourcev2", **pair)
    expected = {"from": giver.base58, "to": borrower.base58, "frozen_balance_for_energy": 4_000 * TRX}
    assert lent == {"delegatedResource": [expected]}
    index = desk.node.call("wallet/getdelegatedresourceaccountindexv2", value=borrower.base58, visible=True)
    assert index == {"account": borrower.base58, "fromAccounts": [giver.base58]}
    most = desk.node.call("wallet/getcandelegatedmaxsize", owner_address=giver.base58, type=1, visible=True)
    assert most == {"max_size": 6_000 * TRX}


def test_more_than_is_staked_cannot_be_lent(desk: Desk) -> None:
    giver, borrower = _staker(desk), desk.account(1)
    answer = desk.sent(desk.framed(_lend(giver, borrower.address, 10_001)), giver)
    assert "less than or equal to available FreezeEnergyV2 balance" in answer["message"]


def test_nothing_is_lent_to_an_address_that_is_not_activated(desk: Desk) -> None:
    giver = _staker(desk)
    answer = desk.sent(desk.framed(_lend(giver, desk.account(0).address, 1)), giver)
    assert answer["message"].endswith("does not exist")


def test_a_locked_loan_comes_back_only_when_its_time_is_over(fresh_desk: Desk) -> None:
    giver, borrower = _staker(fresh_desk), fresh_desk.account(1)
    fresh_desk.done(_lend(giver, borrower.address, 4_000, lock=1_200), giver)
    early = fresh_desk.sent(fresh_desk.framed(_take(giver, borrower.address, 4_000)), giver)
    assert (
        "insufficient delegatedFrozenBalance(Energy), request=4000000000, unlock_balance=0"
        in early["message"]
    )
    fresh_desk.node.pass_time(3_601)
    fresh_desk.done(_take(giver, borrower.address, 4_000), giver)
    assert _energy(fresh_desk, borrower) == 0
