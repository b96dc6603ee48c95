"""The first transactions of every development chain: a USDT, and a contract that sends TRX on.

They are real deployments, signed by the faucet. As nothing in them changes, neither do the contracts' addresses.
"""

from functools import cache

from google.protobuf.message import Message

from cloudpay_devnet.tron.addresses import of_contract
from cloudpay_devnet.tron.calls import call, creation
from cloudpay_devnet.tron.genesis import CHAIN_START_MS, first_block
from cloudpay_devnet.tron.keys import DevKey, dev_keys
from cloudpay_devnet.tron.parameters import TRX
from cloudpay_devnet.tron.transactions import id_of, wrapped
from cloudpay_tron.protocol import tron_pb2 as tron

SYMBOL, DECIMALS = "USDT", 6
SUPPLY = 10**12 * 10**DECIMALS
"""What the payer and the faucet have of it, each."""
_LIFE_MS = 3_600_000
_FEE_LIMIT = 5_000 * TRX


def payer() -> DevKey:
    """Who pays invoices in the demo and the tests."""
    return dev_keys()[0]


def faucet() -> DevKey:
    """Who owns the token."""
    return dev_keys()[1]


def founding_transactions() -> list[tron.Transaction]:
    """All of them in their order."""
    owner, token = faucet().address, usdt()
    issue = call(token, "issue(uint256)", [2 * SUPPLY], owner)
    share = call(token, "transfer(address,uint256)", [payer().address, SUPPLY], owner)
    return [_signed(_usdt()), _signed(_forwarder()), _signed(issue), _signed(share)]


@cache
def usdt() -> bytes:
    """The token's address."""
    return of_contract(id_of(_signed(_usdt())), faucet().address)


@cache
def forwarder() -> bytes:
    """The address of the contract that sends TRX on."""
    return of_contract(id_of(_signed(_forwarder())), faucet().address)


def _usdt() -> tron.CreateSmartContract:
    types = ("string", "string", "uint8", "address")
    owner = faucet().address
    return creation("TronToken", types, ("Tether USD", SYMBOL, DECIMALS, owner), owner, name="TetherToken")


def _forwarder() -> tron.CreateSmartContract:
    return creation("Forwarder", (), (), faucet().address)


def _signed(contract: Message) -> tron.Transaction:
    transaction, genesis = wrapped(contract), first_block()
    raw = transaction.raw_data
    raw.ref_block_bytes, raw.ref_block_hash = genesis.id[6:8], genesis.id[8:16]
    raw.timestamp, raw.expiration, raw.fee_limit = CHAIN_START_MS, CHAIN_START_MS + _LIFE_MS, _FEE_LIMIT
    transaction.signature.append(faucet().sign(id_of(transaction)))
    return transaction
