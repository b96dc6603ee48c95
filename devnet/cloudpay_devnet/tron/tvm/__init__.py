"""TRON's virtual machine: Solidity contracts at the main net's energy prices.

What it does not have: TRC-10 tokens (everyone holds none), staking and voting from inside a contract, the precompiles
above address 8, and an end by the clock (OUT_OF_TIME).
"""

from cloudpay_devnet.tron.tvm.executing import execute
from cloudpay_devnet.tron.tvm.messages import Block, Message
from cloudpay_devnet.tron.tvm.outcomes import InternalTransaction, Log, Outcome, Result

__all__ = ["Block", "InternalTransaction", "Log", "Message", "Outcome", "Result", "execute"]
