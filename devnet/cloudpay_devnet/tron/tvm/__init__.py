"""TRON's virtual machine: Solidity contracts at the main net's energy prices."""

from cloudpay_devnet.tron.tvm.executing import execute
from cloudpay_devnet.tron.tvm.messages import Block, Message
from cloudpay_devnet.tron.tvm.outcomes import InternalTransaction, Log, Outcome, Result

__all__ = ["Block", "InternalTransaction", "Log", "Message", "Outcome", "Result", "execute"]
