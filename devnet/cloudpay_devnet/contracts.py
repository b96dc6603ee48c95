"""The compiled contracts of devnet, and the few encodings that calling them takes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# Anvil has the well-known CREATE2 factory at this address from its first block on: what it deploys gets an
# address that depends on the code and the salt alone, so that a token has the same address on every run.
CREATE2_FACTORY = "0x4e59b44847b379578588920cA78FbF26c0B4956C"


@dataclass(frozen=True)
class Contract:
    """A compiled contract."""

    name: str
    abi: Sequence[object]
    bytecode: bytes


@dataclass(frozen=True)
class Deployment:
    """Where a contract will be, and the factory call data that puts it there."""

    address: str
    call_data: str


@cache
def load_contract(name: str) -> Contract:
    """A committed artefact by its contract's name, such as DevToken."""
    artefact = json.loads(files("cloudpay_devnet").joinpath("artifacts", f"{name}.json").read_text())
    return Contract(name, artefact["abi"], bytes.fromhex(artefact["bytecode"].removeprefix("0x")))


def deployment(name: str, types: Sequence[str], values: Sequence[object], salt: str) -> Deployment:
    """The deployment of a contract with constructor arguments through the factory (EIP-1014)."""
    from eth_abi.abi import encode
    from eth_utils.address import to_checksum_address
    from eth_utils.crypto import keccak

    init_code = load_contract(name).bytecode + encode(types, values)
    salt_hash = keccak(text=salt)
    factory = bytes.fromhex(CREATE2_FACTORY.removeprefix("0x"))
    digest = keccak(b"\xff" + factory + salt_hash + keccak(init_code))
    return Deployment(to_checksum_address(digest[12:]), "0x" + (salt_hash + init_code).hex())


def call_data(signature: str, *values: object) -> str:
    """The data of a call such as `transfer(address,uint256)`."""
    from eth_abi.abi import encode
    from eth_utils.crypto import keccak

    types = [part for part in signature[signature.index("(") + 1 : -1].split(",") if part]
    return "0x" + (keccak(text=signature)[:4] + encode(types, values)).hex()
