"""The conformance suite's world over the TRON node for development."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from eth_abi.abi import encode

from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.errors import WrongChain, WrongDecimals
from cloudpay.chains.network import Asset, Network
from cloudpay.chains.registry import Chains, load_chains
from cloudpay.chains.spending import KeyPath
from cloudpay.kernel.errors import CloudPayError
from cloudpay.testing import SeedSigner
from cloudpay_devnet.contracts import call_data, load_contract
from cloudpay_devnet.tron.addresses import from_text, to_base58
from cloudpay_devnet.tron.node import TronNode
from cloudpay_devnet.tron.tvm.messages import contract_address

_TRX = 1_000_000
_FEE_LIMIT = 5_000 * _TRX
_ENOUGH = 10_000 * _TRX
_TOO_LITTLE = 1_000
"""Sun of a fee limit that no call comes to its end with."""
PAYER = KeyPath(0, 0, 0)
_FIRST = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH"


class TronWorld:
    """A `ChainWorld` over a `TronNode` of its own: what is sent waits until `mine`."""

    plugin_module = "cloudpay_tron.plugin"
    signer = SeedSigner(coin_type=195)
    account_key = signer.account_public_key()
    largest_amount = 2**255
    blocks_to_finality = 19
    spellings: Mapping[str, str] = {
        _FIRST: _FIRST,
        from_text(_FIRST).hex(): _FIRST,
        from_text(_FIRST).hex().upper(): _FIRST,
    }
    not_addresses: Sequence[str] = (
        _FIRST.swapcase(),
        _FIRST[:-1] + ("1" if _FIRST[-1] != "1" else "2"),
        "0x" + from_text(_FIRST).hex(),
        "0x" + from_text(_FIRST).hex()[2:],
        "41" + "0" * 40,
        "ab" * 32,
        "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        "27Lv4hjmRQkH5oXk4oBiJ8iCtwvcxgUT1k3",
    )

    def __init__(self, node: TronNode) -> None:
        self.node = node
        self.payer = node.accounts[0].base58
        self._opened: list[Chains] = []
        self._paths: dict[str, KeyPath] = {self.payer: PAYER}
        self._made = 0
        tokens = [self._deploy_token() for _ in range(2)]
        self._usdt, self.lookalike = tokens
        self._forwarder = self._deploy("Forwarder", b"")
        self.node.set_block_time(None)
        chains = self._load()
        self.network: Network = chains.network("tron")
        self.adapter: ChainAdapter = chains.adapter("tron")
        self.adapter.verify()
        self.token: Asset | None = self.network.asset("USDT")

    def new_address(self) -> str:
        """The next address below the account."""
        self._made += 1
        path = KeyPath(0, 0, 10_000 + self._made)
        address = self.network.addresses.derive(self.account_key, path.chain, path.index)
        self._paths[address] = path
        return address

    def path_of(self, address: str) -> KeyPath:
        """The path that it was derived by."""
        return self._paths[address]

    def closed_address(self) -> str:
        """A contract: plain TRX cannot be sent to one."""
        return self.lookalike

    def send(
        self,
        to: str,
        amount: int,
        contract: str | None = None,
        *,
        sender: str | None = None,
        fails: bool = False,
    ) -> str:
        """Send; a sender of the test's own is given the money and signs itself."""
        origin = sender or self.payer
        if sender:
            self.node.fund(sender, _ENOUGH + (amount if contract is None else 0))
        if contract is None and (fails or amount == 0):
            # A plain transfer of nothing is not valid, and one that fails is in no block: a contract tries both.
            limit = _TOO_LITTLE if fails else _FEE_LIMIT
            return self._forward(to, amount, limit)
        if contract is None:
            return self._sent(
                origin,
                self.node.call(
                    "wallet/createtransaction",
                    owner_address=_hex(origin),
                    to_address=_hex(to),
                    amount=amount,
                ),
            )
        if sender or amount > 2**128:
            self.mint(contract, origin, amount)
        wanted = 2**256 - 1 if fails else amount
        return self.trigger(origin, contract, "transfer(address,uint256)", _evm(to), wanted)

    def send_many(self, payments: Sequence[tuple[str, int]], contract: str | None) -> str:
        """Send several token transfers in one transaction, by a contract under an allowance."""
        assert contract
        total = sum(amount for _, amount in payments)
        self.trigger(self.payer, contract, "approve(address,uint256)", _evm(self._forwarder), total)
        return self.trigger(
            self.payer,
            self._forwarder,
            "sendTokens(address,address[],uint256[])",
            _evm(contract),
            [_evm(to) for to, _ in payments],
            [amount for _, amount in payments],
        )

    def send_through_contract(self, to: str, amount: int) -> str:
        """Send TRX by a contract."""
        return self._forward(to, amount, _FEE_LIMIT)

    def mine(self, n: int = 1) -> None:
        """Mine `n` blocks, the first with all that waits."""
        self.node.mine(n)

    def reorg(self, depth: int) -> None:
        """Replace blocks by empty ones, one more."""
        self.node.fork(depth)

    @contextmanager
    def nodes_down(self) -> Iterator[None]:
        """Cut every connection to the one node."""
        self.node.fault("hang_up")
        try:
            yield
        finally:
            self.node.heal()

    def misconfigured(self) -> Mapping[type[CloudPayError], ChainAdapter]:
        """The same node under another first block, and with a token of other decimals."""
        wrong = {"USDT": {"contract": self._usdt, "decimals": 7}}
        return {
            WrongChain: self._load(genesis="0" * 63 + "1").adapter("tron"),
            WrongDecimals: self._load(assets={"TRX": {"decimals": 6}, **wrong}).adapter("tron"),
        }

    def close(self) -> None:
        """Close every adapter that was opened."""
        for chains in self._opened:
            chains.close()

    def trigger(
        self,
        origin: str,
        contract: str,
        function: str,
        *values: object,
        value: int = 0,
        fee_limit: int = _FEE_LIMIT,
    ) -> str:
        """Call a contract in a transaction."""
        made = self.node.call(
            "wallet/triggersmartcontract",
            owner_address=_hex(origin),
            contract_address=_hex(contract),
            data=call_data(function, *values).removeprefix("0x"),
            call_value=value,
            fee_limit=fee_limit,
        )
        assert "transaction" in made, made
        return self._sent(origin, made["transaction"])

    def mint(self, contract: str, to: str, amount: int) -> None:
        """Make tokens."""
        self.trigger(self.payer, contract, "mint(address,uint256)", _evm(to), amount)

    def _forward(self, to: str, amount: int, fee_limit: int) -> str:
        return self.trigger(
            self.payer,
            self._forwarder,
            "send(address)",
            _evm(to),
            value=amount,
            fee_limit=fee_limit,
        )

    def _deploy_token(self) -> str:
        """Put a token on the chain that the payer owns and has plenty of."""
        token = self._deploy("DevToken", _token_arguments(_evm(self.payer)))
        self.mint(token, self.payer, 10**12 * _TRX)
        return token

    def _deploy(self, name: str, arguments: bytes) -> str:
        made = self.node.call(
            "wallet/deploycontract",
            owner_address=_hex(self.payer),
            bytecode=(load_contract(name).bytecode + arguments).hex(),
            fee_limit=_FEE_LIMIT,
        )
        tx_id = self._sent(self.payer, made)
        return to_base58(b"\x41" + contract_address(bytes.fromhex(tx_id), from_text(self.payer)[1:]))

    def _sent(self, origin: str, made: dict[str, Any]) -> str:
        """Sign what the node made, as its clients do, and hand it in."""
        digest = hashlib.sha256(bytes.fromhex(made["raw_data_hex"])).digest()
        signature = self.signer.sign(self._paths[origin], digest)
        told = self.node.call("wallet/broadcasttransaction", **{**made, "signature": [signature.hex()]})
        assert told.get("result"), told
        return digest.hex()

    def table(self) -> dict[str, Any]:
        """The network's table."""
        return {
            "family": "tron",
            "rpc_urls": [self.node.url],
            "genesis": self.node.call("wallet/getblock", id_or_num="0", detail=False)["blockID"],
            "finality": "solid",
            "block_seconds": 3.0,
            "fee_cap": "1000",
            "native": "TRX",
            "assets": {"TRX": {"decimals": 6}, "USDT": {"contract": self._usdt, "decimals": 6}},
        }

    def _load(self, **changes: Any) -> Chains:
        chains = load_chains({"tron": {**self.table(), **changes}}, "tron")
        self._opened.append(chains)
        return chains


def _hex(address: str) -> str:
    return from_text(address).hex()


def _evm(address: str) -> str:
    return "0x" + from_text(address)[1:].hex()


def _token_arguments(owner: str) -> bytes:
    kinds = ["string", "string", "uint8", "bool", "address"]
    return encode(kinds, ["Tether USD", "USDT", 6, False, owner])


@contextmanager
def open_world() -> Iterator[TronWorld]:
    """Start a node, and the world over it."""
    with TronNode.start() as node:
        world = TronWorld(node)
        yield world
        world.close()
