"""An ordinary transfer of TRX or of a token, as any wallet makes it."""

import time
from typing import Any

from cloudpay_devnet.tron.addresses import from_text
from cloudpay_devnet.tron.calls import call
from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_tron.protocol import tron_pb2 as tron

FEE_LIMIT = 100 * TRX


def transfer(desk: Desk, sender: DevKey, token: str | None, to: str, units: int, **fields: Any) -> str:
    """Send; answers the transaction's id. `fields` such as `data` go into it.

    It tells the clock's time: two that say the same within a block would be one to the network.
    """
    fields = {"timestamp": time.time_ns() // 1_000_000} | fields
    contract: tron.TransferContract | tron.TriggerSmartContract
    if token is None:
        contract = tron.TransferContract(owner_address=sender.address, to_address=from_text(to), amount=units)
        return desk.taken(contract, sender, **fields)
    values = (from_text(to), units)
    contract = call(from_text(token), "transfer(address,uint256)", values, sender.address)
    return desk.taken(contract, sender, **{"fee_limit": FEE_LIMIT} | fields)
