"""What each source has while a batch is drafted: its free nonces, and its money, which every draft takes from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cloudpay.chains.spending import Spend
from cloudpay_evm import erc20
from cloudpay_evm.calls import Call
from cloudpay_evm.claims import claim_of, nonce_at
from cloudpay_evm.errors import NodeFault
from cloudpay_evm.node import Node
from cloudpay_evm.wire import TEXT, number


@dataclass
class Purse:
    """One source. `left` is by contract, None the native coin."""

    address: str
    nonce: int
    left: dict[str | None, int]

    def claim(self, taken: Collection[str]) -> tuple[str, int]:
        """Answer the lowest free claim and its nonce; it stays free until `use`."""
        while claim_of(self.address, self.nonce) in taken:
            self.nonce += 1
        return claim_of(self.address, self.nonce), self.nonce

    def use(self, spend: Spend, fee: int) -> None:
        """Take a draft's nonce, amount and fee out."""
        self.nonce += 1
        self.left[spend.contract] -= spend.amount
        self.left[None] -= fee


def purses(node: Node, spends: Sequence[Spend]) -> Mapping[str, Purse]:
    """Ask for nonces and balances at the newest block: two calls for each source, one for each token that it sends."""
    sources = list(dict.fromkeys(spend.source for spend in spends))
    tokens = list(dict.fromkeys((each.source, each.contract) for each in spends if each.contract))
    calls = [nonce_at(source, "latest") for source in sources]
    calls += [Call("eth_getBalance", (source, "latest"), TEXT) for source in sources]
    calls += [_balance(source, contract) for source, contract in tokens]
    answers = node.ask_all(calls)
    nonces, natives = answers[: len(sources)], answers[len(sources) : 2 * len(sources)]
    found = {
        source: Purse(source, number(nonce), {None: number(native)})
        for source, nonce, native in zip(sources, nonces, natives, strict=True)
    }
    for (source, contract), answer in zip(tokens, answers[2 * len(sources) :], strict=True):
        units = erc20.unsigned(answer)
        if units is None:
            raise NodeFault(f"it finds no token at {contract}")
        found[source].left[contract] = units
    return found


def _balance(source: str, contract: str) -> Call[str]:
    question = {"to": contract, "data": erc20.balance_of(source)}
    return Call("eth_call", (question, "latest"), TEXT)
