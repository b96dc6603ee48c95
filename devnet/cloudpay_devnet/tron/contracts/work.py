"""What carrying out a contract takes."""

from dataclasses import dataclass

from cloudpay_devnet.tron.world import Moment, World
from cloudpay_tron.protocol import tron_pb2 as tron


@dataclass(frozen=True)
class Work:
    """What the chain knows, when it is, and the receipt to write to."""

    world: World
    moment: Moment
    info: tron.TransactionInfo
