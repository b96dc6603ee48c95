"""What the machine is asked to do, and in which block."""

from collections.abc import Callable
from dataclasses import dataclass

from eth_utils.crypto import keccak


def contract_address(transaction_id: bytes, owner: bytes) -> bytes:
    """Where a CreateSmartContract transaction of a 20-byte owner puts its contract (java-tron's WalletUtil)."""
    return keccak(transaction_id + b"\x41" + owner)[12:]


@dataclass(frozen=True)
class Message:
    """One contract call or creation; addresses have 20 bytes, value is in sun."""

    transaction_id: bytes  # 32 bytes; for a constant call any 32 bytes
    origin: bytes
    caller: bytes
    to: bytes | None  # None creates a contract with `data` as its init code
    value: int
    data: bytes
    energy_limit: int
    # Required for a creation, None for a call.
    contract_address: bytes | None = None
    # triggerconstantcontract: everything is allowed and answered, and the state stays as it was.
    constant: bool = False


def _no_hash(_number: int) -> bytes:
    return bytes(32)


def _no_factor(_address: bytes) -> int:
    return 0


@dataclass(frozen=True)
class Block:
    """The block that a message runs in; a constant call runs in the head's successor."""

    number: int
    timestamp: int  # in seconds, as contracts see it
    coinbase: bytes  # 20 bytes of the producer
    chain_id: (
        int  # what CHAINID answers: the last four bytes of the genesis block's id (main net: 0x2b6653dc)
    )
    energy_price: int  # in sun; what BASEFEE answers
    # The id of one of the 256 blocks before this one, by number.
    block_hash: Callable[[int], bytes] = _no_hash
    # The dynamic energy model: a contract's factor in ten-thousandths, 0 for none (3.4x in all is 24,000).
    energy_factor: Callable[[bytes], int] = _no_factor
