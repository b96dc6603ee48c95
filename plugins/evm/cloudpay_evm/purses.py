"""What each source has while a batch is drafted: its free nonces, and its money, which every draft takes from."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from cloudpay.chains.spending import Spend
from cloudpay_evm import erc20, reverts
from cloudpay_evm.calls import Call
from cloudpay_evm.claims import claim_of, nonce_at
from cloudpay_evm.errors import Refused
from cloudpay_evm.node import Node
from cloudpay_evm.wire import AMOUNT, TEXT, number


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
    calls += [Call("eth_getBalance", (source, "latest"), AMOUNT) for source in sources]
    calls += [_balance(source, contract) for source, contract in tokens]
    answers = node.try_all(calls)
    own = [_text(answer) for answer in answers[: 2 * len(sources)]]
    found = {
        source: Purse(source, number(nonce), {None: number(native)})
        for source, nonce, native in zip(sources, own, own[len(sources) :], strict=False)
    }
    for (source, contract), answer in zip(tokens, answers[2 * len(sources) :], strict=True):
        found[source].left[contract] = _units(answer)
    return found


def _text(answer: str | Refused) -> str:
    if isinstance(answer, Refused):
        raise answer
    return answer


def _units(answer: str | Refused) -> int:
    """Read a token's balance; a contract that has none to tell, or is none, keeps only its own spends waiting."""
    if isinstance(answer, Refused) and reverts.would_fail(answer):
        return 0
    return erc20.unsigned(_text(answer)) or 0


def _balance(source: str, contract: str) -> Call[str]:
    question = {"to": contract, "data": erc20.balance_of(source)}
    return Call("eth_call", (question, "latest"), TEXT)
