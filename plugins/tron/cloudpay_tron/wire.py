"""What nodes write: the parts of TRON's HTTP answers that are read, as msgspec structs.

Addresses are 42 hexadecimal digits (`visible` is never asked for), but those of logs, which are the 40 of the virtual
machine. A number that is zero, a text that is empty and a list without elements are left out of answers. What has no
default is in every answer of its kind (`{}`, which says that there is none, is read in `calls`): an object without it
is no node's.
"""

from msgspec import Struct, field

_INVALID = ("CONTRACT_VALIDATE_ERROR", "CONTRACT_EXE_ERROR")
_CONSTANT = b"does not support constant".hex()
_MACHINE = tuple(
    f"vm.program.Program${name}Exception".encode().hex()
    for name in (
        "OutOfEnergy",
        "IllegalOperation",
        "BadJumpDestination",
        "StackTooSmall",
        "StackTooLarge",
        "InvalidCode",
        "PrecompiledContract",
        "ReturnDataCopyIllegalBounds",
        "StaticCallModification",
        "Transfer",
    )
)
"""The virtual machine's own errors that every node comes to, in a message's digits.

Not among them are those of a node that is too slow or too small: OutOfTime, OutOfMemory, JVMStackOverFlow.
"""


class HeaderData(Struct):
    """A header's own data."""

    number: int = 0
    timestamp: int = 0  # in milliseconds
    parent_hash: str = field(name="parentHash", default="")
    root: str = field(name="txTrieRoot", default="")  # zeros where the block has no transactions


class BlockHeader(Struct):
    """A header as a block holds it."""

    raw_data: HeaderData = field(default_factory=HeaderData)


class Parameters(Struct):
    """The fields of the two contracts that are read; of all others nothing."""

    owner_address: str = ""
    to_address: str = ""
    contract_address: str = ""
    amount: int = 0
    call_value: int = 0


class Parameter(Struct):
    """A contract's parameter."""

    value: Parameters = field(default_factory=Parameters)


class Contract(Struct):
    """A transaction's one contract."""

    type: str = ""
    parameter: Parameter = field(default_factory=Parameter)


class RawData(Struct):
    """A transaction's own data."""

    contract: tuple[Contract, ...] = ()


class Ret(Struct):
    """What became of a transaction."""

    contract_ret: str = field(name="contractRet", default="")


class Transaction(Struct):
    """A transaction in a block."""

    tx_id: str = field(name="txID")
    raw_data: RawData
    ret: tuple[Ret, ...] = ()


class Block(Struct):
    """A block, without an id where there is none; asked for without `detail`, it has no transactions."""

    block_id: str = field(name="blockID")
    block_header: BlockHeader = field(default_factory=BlockHeader)
    transactions: tuple[Transaction, ...] = ()


class Blocks(Struct):
    """Blocks that follow each other."""

    block: tuple[Block, ...]


class Receipt(Struct):
    """What a transaction used; `result` is left out where no contract ran."""

    result: str = ""


class Log(Struct):
    """An event; its address has no prefix."""

    address: str = ""
    topics: tuple[str, ...] = ()
    data: str = ""


class CallValue(Struct):
    """What an internal transaction moves: TRX, or with a token's id TRC-10."""

    call_value: int = field(name="callValue", default=0)
    token_id: str = field(name="tokenId", default="")


class Internal(Struct):
    """What the virtual machine wrote down of one instruction; `note` names it, as hexadecimal digits."""

    caller: str = field(name="caller_address", default="")
    to: str = field(name="transferTo_address", default="")
    values: tuple[CallValue, ...] = field(name="callValueInfo", default=())
    note: str = ""
    rejected: bool = False


class Info(Struct):
    """A transaction's result, without an id where there is none."""

    id: str
    fee: int = 0
    height: int = field(name="blockNumber", default=0)
    result: str = ""  # FAILED, or left out
    receipt: Receipt = field(default_factory=Receipt)
    log: tuple[Log, ...] = ()
    internal: tuple[Internal, ...] = field(name="internal_transactions", default=())


class Known(Struct):
    """A transaction that is waited for; without an id there is none."""

    tx_id: str = field(name="txID")


class Account(Struct):
    """An account; one that is not there has no address."""

    address: str
    balance: int = 0
    type: str = ""


class Resources(Struct):
    """What an account may use for nothing; `total_net_limit` is the chain's."""

    total_net_limit: int = field(name="TotalNetLimit")
    free_net_used: int = field(name="freeNetUsed", default=0)
    free_net_limit: int = field(name="freeNetLimit", default=0)
    net_used: int = field(name="NetUsed", default=0)
    net_limit: int = field(name="NetLimit", default=0)
    energy_used: int = field(name="EnergyUsed", default=0)
    energy_limit: int = field(name="EnergyLimit", default=0)


class ChainParameter(Struct):
    """One parameter of the chain."""

    key: str = ""
    value: int = 0


class ChainParameters(Struct):
    """All of them."""

    parameters: tuple[ChainParameter, ...] = field(name="chainParameter")


class Return(Struct):
    """Whether a call could be tried."""

    result: bool = False
    code: str = ""
    message: str = ""  # hexadecimal


class TrialRet(Struct):
    """Whether a tried call succeeded."""

    ret: str = ""


class TrialTransaction(Struct):
    """The transaction that a node makes of a trial; nothing but its result is read, and it is never signed."""

    ret: tuple[TrialRet, ...] = ()


class Trial(Struct):
    """What a call would do."""

    result: Return
    energy_used: int = 0
    constant_result: tuple[str, ...] = ()
    logs: tuple[Log, ...] = ()
    transaction: TrialTransaction = field(default_factory=TrialTransaction)

    @property
    def refused(self) -> bool:
        """Say whether it was tried and would fail on every node."""
        if any(each.ret == "FAILED" for each in self.transaction.ret):
            return True
        message = self.result.message.lower()
        return not self.result.result and any(each in message for each in _MACHINE)

    @property
    def failed(self) -> bool:
        """Say whether it would fail, or there is no such contract, which a node that is behind says, too."""
        invalid = self.result.code in _INVALID and _CONSTANT not in self.result.message.lower()
        return self.refused or (not self.result.result and invalid)


class Told(Struct):
    """What a node said to a broadcast."""

    result: bool = False
    code: str = ""
    message: str = ""
    txid: str = ""
