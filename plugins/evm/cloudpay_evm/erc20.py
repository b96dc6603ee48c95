"""What is asked of token contracts (EIP-20): their decimals and an address's balance, encoded by web3."""

from web3 import Web3

_ABI = [
    {
        "name": name,
        "type": "function",
        "stateMutability": "view",
        "inputs": [{"name": "account", "type": kind} for kind in inputs],
        "outputs": [{"name": "", "type": "uint256"}],
    }
    for name, inputs in (("decimals", ()), ("balanceOf", ("address",)))
]
_WORD = 32
_w3 = Web3()
_token = _w3.eth.contract(abi=_ABI)

DECIMALS = _token.encode_abi("decimals")


def balance_of(address: str) -> str:
    """Encode the question for an address's balance; the address has its checksum."""
    return str(_token.encode_abi("balanceOf", args=[address]))


def unsigned(answer: str) -> int | None:
    """Decode a contract's number; None when there is no such number, as where no contract lives."""
    data = bytes.fromhex(answer[2:])
    return int(_w3.codec.decode(["uint256"], data)[0]) if len(data) >= _WORD else None
