"""Payments as strangers' contracts make them: at birth, by self-destruction, delegated, half undone, or only said."""

from collections.abc import Sequence

from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.contracts import call_data, deployment, load_contract
from cloudpay_devnet.deploying import deploy
from cloudpay_devnet.networks import DevAccount
from cloudpay_devnet.sending import Receipt, Sender

# Account 3 of anvil's default mnemonic: the one that lends its name to a contract's code (EIP-7702).
DELEGATOR = DevAccount(
    "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
)
_GAS = 3_000_000
_SET_CODE = 4  # the transaction type of EIP-7702


class Oddities:
    """Puts any of devnet's contracts on a chain with automine, and calls it. Amounts are integers of base units."""

    def __init__(self, chain: DevChain) -> None:
        self.chain = chain
        self._sender = Sender(chain.node)

    def place(
        self, name: str, types: Sequence[str] = (), values: Sequence[object] = (), salt: str = "odd"
    ) -> str:
        """Deploy a contract unless it is there; answers its address, which is the same on every run."""
        found = deployment(name, types, values, salt)
        deploy(self._sender, found)
        return found.address

    def call(
        self, contract: str, signature: str, *values: object, sender: str | None = None, value: int = 0
    ) -> Receipt:
        """Call a contract from the payer, or from an account that the node holds keys for."""
        origin = sender or self.chain.payer.address
        return self._receipt(self._sender.send(origin, contract, call_data(signature, *values), value, _GAS))

    def pay_at_birth(self, to: str, units: int, contract: str = "Newborn") -> Receipt:
        """Create a contract by a transaction without a receiver; its constructor passes the coins on."""
        init_code = load_contract(contract).bytecode + bytes(12) + bytes.fromhex(to.removeprefix("0x"))
        request = {
            "from": self.chain.payer.address,
            "data": "0x" + init_code.hex(),
            "value": hex(units),
            "gas": hex(_GAS),
        }
        return self._receipt(self.chain.node.rpc.text("eth_sendTransaction", request))

    def send_delegated(self, data: str, units: int, code: str, to: str | None = None) -> Receipt:
        """Have DELEGATOR lend its name to a contract's code and send, in one transaction of type 4.

        Without `to` it calls itself, which runs that code with the coins that it sends.
        """
        w3 = self.chain.web3()
        account = w3.eth.account.from_key(DELEGATOR.private_key)
        nonce = w3.eth.get_transaction_count(account.address)
        chain_id = self.chain.spec.chain_id
        # An authorisation of the sender itself is one nonce ahead: the transaction has used the first one up.
        lent = account.sign_authorization({"chainId": chain_id, "address": code, "nonce": nonce + 1})
        signed = account.sign_transaction(
            {
                "type": _SET_CODE,
                "chainId": chain_id,
                "nonce": nonce,
                "to": w3.to_checksum_address(to or account.address),
                "value": units,
                "data": data,
                "gas": _GAS,
                "maxFeePerGas": w3.to_wei(10, "gwei"),
                "maxPriorityFeePerGas": 1,
                "authorizationList": [lent],
            }
        )
        return self._receipt(
            self.chain.node.rpc.text("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex())
        )

    def _receipt(self, tx_hash: str) -> Receipt:
        return self._sender.wait_for(tx_hash)
