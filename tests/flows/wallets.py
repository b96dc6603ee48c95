"""Wallets that we did not write, with the funded payer's key from `demo.json`: web3 for EVM chains, tronpy for TRON."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from eth_account import Account
from tronpy import Tron
from tronpy.exceptions import AddressNotFound
from tronpy.keys import PrivateKey
from tronpy.providers import HTTPProvider
from web3 import Web3

_ERC20 = [
    {
        "type": "function",
        "name": "transfer",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}],
        "outputs": [],
    },
    {
        "type": "function",
        "name": "balanceOf",
        "stateMutability": "view",
        "inputs": [{"name": "owner", "type": "address"}],
        "outputs": [{"name": "", "type": "uint256"}],
    },
]
_FEE_LIMIT = 100_000_000
"""Sun; a token's transfer burns up to thirteen millions."""


class Wallet(Protocol):
    """The payer's wallet on one network; `token` is a contract's address, None for the native coin."""

    def pay(self, token: str | None, to: str, units: int) -> str:
        """Send; answer the transaction's hash."""

    def holds(self, token: str | None, address: str) -> int:
        """Answer what an address holds in base units."""


class EvmWallet:
    """web3 and eth-account."""

    def __init__(self, network: Mapping[str, Any]) -> None:
        self.web3 = Web3(Web3.HTTPProvider(network["rpc_url"]))
        self.chain_id = network["chain_id"]
        self.payer = Account.from_key(network["payer"]["private_key"])

    def pay(self, token: str | None, to: str, units: int) -> str:
        """Send as a legacy transaction of the payer's own signature."""
        common = {
            "chainId": self.chain_id,
            "nonce": self.web3.eth.get_transaction_count(self.payer.address, "pending"),
            "gas": 100_000,
            "gasPrice": self.web3.eth.gas_price * 2,
        }
        if token is None:
            transaction = {**common, "to": to, "value": units}
        else:
            contract = self.web3.eth.contract(address=Web3.to_checksum_address(token), abi=_ERC20)
            transaction = {**common, "to": token, "data": contract.encode_abi("transfer", [to, units])}
        raw = self.payer.sign_transaction(transaction).raw_transaction
        return self.web3.eth.send_raw_transaction(raw).to_0x_hex()

    def holds(self, token: str | None, address: str) -> int:
        """Ask the node, or the token's contract."""
        place = Web3.to_checksum_address(address)
        if token is None:
            return self.web3.eth.get_balance(place)
        contract = self.web3.eth.contract(address=Web3.to_checksum_address(token), abi=_ERC20)
        return int(contract.functions.balanceOf(place).call())


class TronWallet:
    """tronpy, which reads a token's functions from the chain."""

    def __init__(self, network: Mapping[str, Any]) -> None:
        self.client = Tron(HTTPProvider(network["rpc_url"]))
        self.address = network["payer"]["address"]
        self.key = PrivateKey(bytes.fromhex(network["payer"]["private_key"]))

    def pay(self, token: str | None, to: str, units: int) -> str:
        """Send what the node made, signed with the payer's key."""
        if token is None:
            made = self.client.trx.transfer(self.address, to, units)
        else:
            call = self.client.get_contract(token).functions.transfer.with_owner(self.address)
            made = call.call(to, units).fee_limit(_FEE_LIMIT)
        return str(made.build().sign(self.key).broadcast().txid)

    def holds(self, token: str | None, address: str) -> int:
        """Ask the node, or the token's contract; an address that nobody paid has no account."""
        if token is not None:
            return int(self.client.get_contract(token).functions.balanceOf(address))
        try:
            return int(self.client.get_account(address).get("balance", 0))
        except AddressNotFound:
            return 0


_WALLETS: Mapping[str, Callable[[Mapping[str, Any]], Wallet]] = {"evm": EvmWallet, "tron": TronWallet}


def wallet(network: Mapping[str, Any]) -> Wallet:
    """Open the payer's wallet on a network of `demo.json`."""
    return _WALLETS[network["family"]](network)
