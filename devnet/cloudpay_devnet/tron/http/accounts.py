"""Accounts and their resources."""

from typing import Any

from cloudpay_devnet.tron import addresses, signatures
from cloudpay_devnet.tron.errors import BadInputError
from cloudpay_devnet.tron.genesis import CHAIN_START_MS
from cloudpay_devnet.tron.http.request import Request
from cloudpay_devnet.tron.parameters import DAY_MS, SLOT_MS, TRX
from cloudpay_devnet.tron.records import BANDWIDTH, ENERGY, Account, Usage
from cloudpay_devnet.tron.usage import left_of
from cloudpay_devnet.tron.wire import bytes_to_json, to_json

_MOST_UNFREEZING = 32


def account(request: Request) -> dict[str, Any]:
    """`getaccount`: empty for an address that was never activated."""
    found = request.world.account(request.address("address"))
    return {} if found is None else _written(request, found)


def resources(request: Request) -> dict[str, Any]:
    """`getaccountresource`."""
    world, found = request.world, request.world.account(request.address("address"))
    if found is None:
        return {}
    power = sum(found.staked) + sum(found.delegated)
    return filled(
        freeNetUsed=left_of(found.free_net, request.slot),
        freeNetLimit=world.parameters.free_net_limit,
        NetUsed=left_of(found.net, request.slot),
        NetLimit=world.limit(found, BANDWIDTH),
        TotalNetLimit=world.parameters.total_net_limit,
        TotalNetWeight=world.weight(BANDWIDTH),
        tronPowerLimit=power // TRX,
        EnergyUsed=left_of(found.energy, request.slot),
        EnergyLimit=world.limit(found, ENERGY),
        TotalEnergyLimit=world.parameters.total_energy_limit,
        TotalEnergyWeight=world.weight(ENERGY),
    )


def bandwidth(request: Request) -> dict[str, Any]:
    """`getaccountnet`: the bandwidth alone."""
    all_of_them = resources(request)
    wanted = ("freeNetUsed", "freeNetLimit", "NetUsed", "NetLimit", "TotalNetLimit", "TotalNetWeight")
    return {key: all_of_them[key] for key in wanted if key in all_of_them}


def balance_at(request: Request) -> dict[str, Any]:
    """`getaccountbalance`: what an account had after a block."""
    who = request.required("account_identifier")
    where = request.required("block_identifier")
    number = int(where.get("number", -1))
    stored = request.chain.store.block(number) if 0 <= number <= request.top else None
    if stored is None or stored.id.hex() != where.get("hash"):
        raise BadInputError("number and hash do not match")
    try:
        world = request.chain.world_at(number)
    except KeyError as error:
        raise BadInputError("the balance at that block is no longer kept") from error
    asked = Request(request.chain, number, {**who, "visible": request.visible})
    return filled(balance=world.balance(asked.address("address"))) | {"block_identifier": where}


def can_withdraw(request: Request) -> dict[str, Any]:
    """`getcanwithdrawunfreezeamount`: what has come back at a time."""
    found = request.world.account(request.address("owner_address"))
    at = request.number("timestamp")
    due = 0 if found is None else sum(each.amount for each in found.unfreezing if each.expires <= at)
    return filled(amount=due)


def unfreezes_left(request: Request) -> dict[str, Any]:
    """`getavailableunfreezecount`."""
    found = request.world.account(request.address("owner_address"))
    waiting = () if found is None else found.unfreezing
    now = request.block.timestamp
    return filled(count=_MOST_UNFREEZING - sum(each.expires > now for each in waiting))


def validate(request: Request) -> dict[str, Any]:
    """`validateaddress`."""
    text = str(request.required("address"))
    try:
        addresses.from_text(text)
    except ValueError:
        return {"result": False, "message": "Invalid address"}
    hexadecimal = len(text) == 2 * addresses.LENGTH
    return {"result": True, "message": "Hex string format" if hexadecimal else "Base58check format"}


def _written(request: Request, found: Account) -> dict[str, Any]:
    visible, slot = request.visible, request.slot
    written: dict[str, Any] = {}
    if found.name:
        written["account_name"] = bytes_to_json(
            "AccountUpdateContract.account_name", found.name, visible=visible
        )
    if found.is_contract:
        written["type"] = "Contract"
    written |= {"address": address_json(request, found.address)}
    written |= filled(
        balance=request.world.balance(found.address),
        create_time=found.created,
        latest_opration_time=found.operated,
        net_usage=left_of(found.net, slot),
        free_net_usage=left_of(found.free_net, slot),
        latest_consume_time=_when(found.net),
        latest_consume_free_time=_when(found.free_net),
        acquired_delegated_frozenV2_balance_for_bandwidth=found.acquired[BANDWIDTH],
        delegated_frozenV2_balance_for_bandwidth=found.delegated[BANDWIDTH],
    )
    written |= {"net_window_size": DAY_MS, "net_window_optimized": True}
    written["account_resource"] = filled(
        energy_usage=left_of(found.energy, slot),
        latest_consume_time_for_energy=_when(found.energy),
        acquired_delegated_frozenV2_balance_for_energy=found.acquired[ENERGY],
        delegated_frozenV2_balance_for_energy=found.delegated[ENERGY],
    ) | {"energy_window_size": DAY_MS, "energy_window_optimized": True}
    if not found.is_contract:
        written["owner_permission"] = to_json(signatures.owner_of(found), visible=visible)
        written["active_permission"] = [
            to_json(each, visible=visible) for each in signatures.actives_of(found)
        ]
    names: tuple[dict[str, Any], ...] = ({}, {"type": "ENERGY"}, {"type": "TRON_POWER"})
    written["frozenV2"] = [
        name | filled(amount=amount) for name, amount in zip(names, found.staked, strict=True)
    ]
    written |= filled(
        unfrozenV2=[
            names[each.resource] | {"unfreeze_amount": each.amount, "unfreeze_expire_time": each.expires}
            for each in found.unfreezing
        ],
        assetV2=[{"key": key, "value": value} for key, value in sorted(found.assets.items())],
        asset_issued_ID=found.issued_asset if visible else found.issued_asset.encode().hex(),
    )
    return written


def _when(usage: Usage) -> int:
    return CHAIN_START_MS + usage.slot * SLOT_MS if usage.slot else 0


def address_json(request: Request, address: bytes) -> str:
    """An address as this request wants it."""
    return bytes_to_json("address", address, visible=request.visible)


def filled(**fields: Any) -> dict[str, Any]:
    """Only the fields that hold something, as everywhere in this interface."""
    return {key: value for key, value in fields.items() if value}
