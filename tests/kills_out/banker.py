"""The chain's side: money for the master wallet, transactions that are dropped, and somebody else who has the key."""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eth_utils.address import to_checksum_address

from cloudpay.kernel.failpoints import Failpoint
from cloudpay_devnet.chain import DevChain
from cloudpay_devnet.errors import RpcFailed
from tests.kills.payers import Payers
from tests.kills_out.roles import FUNDED_AT

Wish = Callable[[str], Failpoint | None]
"""Answers at which place the present process of a role is to die."""

COLD = to_checksum_address("0x" + "c0" * 20)
"""Where surplus goes that comes to the master wallet beside its first funds."""

FIRST_FUNDS = {"ETH": 500 * 10**18, "USDT": 10**12}
_HELD, _LEFT_ALONE = 35, 8
"""Rounds that blocks are held back for at most; blocks for which what somebody else has sent is not reorganised."""
_DEAR = 20 * 10**9
"""The base fee of a block after which a sweep that was planned before costs more than was left for it."""
_DEAR_FOR = 30
"""Blocks after which it is what it was: an empty block's base fee is an eighth less than its parent's (EIP-1559)."""
_THIEF = to_checksum_address("0x" + "7f" * 20)


@dataclass
class Outside:
    """What somebody else has sent with the master wallet's key: transactions, and what their fees came to."""

    ids: list[str] = field(default_factory=list)
    units: int = 0


class Banker(Payers):
    """Funds the master wallet, mines, and brings what a place that is waited for needs."""

    pause = (0.1, 0.3)

    def __init__(self, chain: DevChain, master: str, chance: random.Random, wish: Wish) -> None:
        self.master = master
        self.outside = Outside()
        self.ours = {master}
        self.fundings: dict[str, int] = defaultdict(int)
        self.drops = 0
        self.funded_at = 0
        self.may_steal: Callable[[], bool] = lambda: False
        self._wish = wish
        self._held = 0
        self._alone_until = 0
        self._owed: dict[str, int] = {}
        super().__init__(chain, chance, lambda: wish("watch") is Failpoint.PAGE_REWOUND)

    def fund(self, funds: Mapping[str, int]) -> None:
        """Have the master wallet get so much with the next block."""
        self._owed = {**funds}

    def mine(self) -> None:
        """Mine, unless a waiting transaction is waited for."""
        if not self.calm and self._wish("send") is Failpoint.SEND_REPLACED and self._held < _HELD:
            self._held += 1
            return
        self._held = 0
        super().mine()

    def send_due(self) -> bool:
        """Send what the master wallet gets; drop and steal where that is due."""
        if not self.calm:
            self._trouble()
        paid = super().send_due()
        owed, self._owed = self._owed, {}
        for asset, units in owed.items():
            self.chain.fund(self.master, asset, units)
            self.fundings[asset] += units
            self.funded_at = self.chain.node.block_number() + 1
        return paid or bool(owed)

    def may_reorganise(self) -> bool:
        """Leave what somebody else has sent where it is, since nobody sends it again, and what bid before fees rose."""
        return self.chain.node.block_number() > self._alone_until

    def send_again(self, raw: list[str]) -> None:
        """Hand out again what others sent; what the gateway did is for the gateway to send again, half of the times."""
        for each in raw:
            if self._sender(each) not in self.ours or self.chance.random() < 0.5:
                try:
                    self.chain.node.rpc.call("eth_sendRawTransaction", each)
                except RpcFailed:
                    assert self._sender(each) in self.ours  # the gateway was faster

    def waiting(self) -> dict[int, str]:
        """Answer the master wallet's transactions in the mempool, by nonce."""
        pool: Any = self.chain.node.rpc.call("txpool_content")
        return {
            int(nonce): each["hash"]
            for part in ("pending", "queued")
            for address, found in pool[part].items()
            if to_checksum_address(address) == self.master
            for nonce, each in found.items()
        }

    def _trouble(self) -> None:
        if self.chance.random() < (0.4 if self._wish("watch") in FUNDED_AT else 0.03):
            self._owed["USDT" if self.chance.random() < 0.5 else "ETH"] = self.chance.randint(1, 10**6)
        if self.chance.random() < (0.5 if self._wish("send") is Failpoint.SEND_REPEATED else 0.05):
            self._drop()
        if self._wish("send") is Failpoint.SWEEP_TAKEN_BACK and self.may_reorganise():
            self._raise_fees()
        if self._wish("send") is Failpoint.SEND_FROZEN and self.may_steal() and self.may_reorganise():
            self._steal()

    def _raise_fees(self) -> None:
        """Have the next block be dear; none is replaced until all are cheap again, or payers' bids would be too low."""
        self.chain.node.rpc.call("anvil_setNextBlockBaseFeePerGas", hex(_DEAR))
        self._alone_until = self.chain.node.block_number() + _DEAR_FOR

    def _drop(self) -> None:
        waiting = self.waiting()
        if waiting:
            self.chain.node.rpc.call("anvil_dropTransaction", self.chance.choice([*waiting.values()]))
            self.drops += 1

    def _steal(self) -> None:
        """Take the place of the oldest transaction that waits."""
        waiting = self.waiting()
        if not waiting:
            return
        rpc, nonce = self.chain.node.rpc, min(waiting)
        if nonce != rpc.number("eth_getTransactionCount", self.master, "latest"):
            return
        rpc.call("anvil_dropTransaction", waiting[nonce])
        rpc.call("anvil_impersonateAccount", self.master)
        units = self.chance.randint(1, 10**6)
        wanted = {
            "from": self.master,
            "to": _THIEF,
            "value": hex(units),
            "nonce": hex(nonce),
            "gas": hex(21_000),
        }
        self.outside.ids.append(rpc.text("eth_sendTransaction", wanted))
        rpc.call("anvil_stopImpersonatingAccount", self.master)
        self.outside.units += units
        self._alone_until = self.chain.node.block_number() + _LEFT_ALONE

    def _sender(self, raw: str) -> str:
        from eth_account import Account

        try:
            return str(Account.recover_transaction(raw))
        except ValueError:
            return ""
