"""The entry: one message against a state."""

from cloudpay_devnet.tron.state import State
from cloudpay_devnet.tron.tvm.messages import Block, Message
from cloudpay_devnet.tron.tvm.outcomes import Outcome


def execute(state: State, message: Message, block: Block) -> Outcome:
    """Runs a message. The caller must hold the value, and a called address must exist: the node checks both before."""
    raise NotImplementedError
