"""What is asked of token contracts (EIP-20): their decimals and symbol, and an address's balance, encoded by web3."""

from web3 import Web3

from cloudpay_evm.wire import octets

_ABI = [
    {
        "name": name,
        "type": "function",
        "stateMutability": "view",
        "inputs": [{"name": "account", "type": kind} for kind in inputs],
        "outputs": [{"name": "", "type": "uint256"}],
    }
    for name, inputs in (("decimals", ()), ("symbol", ()), ("balanceOf", ("address",)))
]
_ABI.append(
    {
        "name": "transfer",
        "type": "function",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}],
        "outputs": [],
    }
)
_WORD = 32
_w3 = Web3()
_token = _w3.eth.contract(abi=_ABI)

DECIMALS = _token.encode_abi("decimals")
SYMBOL = _token.encode_abi("symbol")
_LONGEST_NAME = 40


def balance_of(address: str) -> str:
    """Encode the question for an address's balance; the address has its checksum."""
    return str(_token.encode_abi("balanceOf", args=[address]))


def transfer(to: str, amount: int) -> str:
    """Encode a transfer; the address has its checksum."""
    return str(_token.encode_abi("transfer", args=[to, amount]))


def unsigned(answer: str) -> int | None:
    """Decode a contract's number; None when there is none, as where no contract lives. Raises `NodeFault`."""
    data = octets(answer)
    return int(_w3.codec.decode(["uint256"], data)[0]) if len(data) >= _WORD else None


def text(answer: str, longest: int = _LONGEST_NAME) -> str:
    """Decode a contract's text, or its 32 bytes of text as old tokens have; what cannot be shown is left out.

    Lengths are not believed: a stranger's contract wrote them.
    """
    data = octets(answer)
    start = int.from_bytes(data[:_WORD])
    if start + _WORD <= len(data):
        length = int.from_bytes(data[start : start + _WORD])
        data = data[start + _WORD :][: min(length, len(data))]
    else:
        data = data[:_WORD]
    shown = data[: 4 * longest].decode("utf-8", errors="ignore")
    return "".join(each for each in shown if each.isprintable())[:longest]
