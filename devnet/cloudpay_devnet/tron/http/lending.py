"""Who lends which resources to whom."""

from typing import Any

from cloudpay_devnet.tron.contracts.delegating import delegable
from cloudpay_devnet.tron.http.accounts import address_json, filled
from cloudpay_devnet.tron.http.request import Request
from cloudpay_devnet.tron.records import BANDWIDTH, ENERGY


def delegated(request: Request) -> dict[str, Any]:
    """`getdelegatedresourcev2`: what one account lends another; what is locked stands for itself."""
    giver, receiver = request.address("fromAddress"), request.address("toAddress")
    lent = request.world.delegations.get(giver + receiver)
    if lent is None:
        return {}
    shown = []
    for amounts, expires in ((lent.open, (0, 0)), (lent.locked, lent.expires)):
        if any(amounts):
            names = {"from": address_json(request, giver), "to": address_json(request, receiver)}
            figures = filled(
                frozen_balance_for_bandwidth=amounts[BANDWIDTH],
                frozen_balance_for_energy=amounts[ENERGY],
                expire_time_for_bandwidth=expires[BANDWIDTH],
                expire_time_for_energy=expires[ENERGY],
            )
            shown.append(names | figures)
    return {"delegatedResource": shown}


def delegation_index(request: Request) -> dict[str, Any]:
    """`getdelegatedresourceaccountindexv2`: who lends to an account, and to whom it lends."""
    who = request.address("value")
    lent = request.world.delegations.values()
    givers = [address_json(request, each.giver) for each in lent if each.receiver == who]
    receivers = [address_json(request, each.receiver) for each in lent if each.giver == who]
    return {"account": address_json(request, who)} | filled(fromAccounts=givers, toAccounts=receivers)


def can_delegate(request: Request) -> dict[str, Any]:
    """`getcandelegatedmaxsize`: how much stake an account may lend now."""
    found = request.world.account(request.address("owner_address"))
    resource = request.number("type")
    if found is None or resource not in {BANDWIDTH, ENERGY}:
        return {}
    return filled(max_size=max(0, delegable(request.world, found, resource, request.slot)))
