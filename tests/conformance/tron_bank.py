"""Somebody outside who has staked on the TRON chain of the conformance suite, and lends energy."""

from typing import Any

from cloudpay_devnet.tron.addresses import from_text
from cloudpay_devnet.tron.client import TronClient
from cloudpay_devnet.tron.desk import Desk
from cloudpay_devnet.tron.keys import DevKey
from cloudpay_tron.protocol import tron_pb2
from tests.conformance.tron_world import TronWorld

TRX = 1_000_000


class Bank:
    """Somebody outside who has staked for energy, and lends it."""

    def __init__(self, node: TronClient) -> None:
        self.desk = Desk(node)
        self.owner: DevKey = self.desk.account(300_000)
        self._sent(
            tron_pb2.FreezeBalanceV2Contract(
                owner_address=self.owner.address, frozen_balance=200_000 * TRX, resource=tron_pb2.ENERGY
            )
        )

    def lend(self, to: str, energy: int) -> int:
        """Lend so much energy, or little more; answer the stake in sun."""
        told = self.desk.node.call("wallet/getaccountresource", address=self.owner.address.hex())
        stake: int = (energy * told["TotalEnergyWeight"] // told["TotalEnergyLimit"] + 1) * TRX
        self._sent(self._contract(tron_pb2.DelegateResourceContract, to, stake))
        return stake

    def take(self, to: str, stake: int) -> None:
        """Take it back."""
        self._sent(self._contract(tron_pb2.UnDelegateResourceContract, to, stake))

    def _contract(self, form: Any, to: str, stake: int) -> Any:
        return form(
            owner_address=self.owner.address,
            receiver_address=from_text(to),
            balance=stake,
            resource=tron_pb2.ENERGY,
        )

    def _sent(self, contract: Any) -> None:
        txid = self.desk.taken(contract, self.owner)
        self.desk.node.mine()
        receipt = self.desk.receipt(txid)
        assert receipt and "result" not in receipt, receipt


def energy_of(world: TronWorld, address: str) -> int:
    """Answer what energy an address has now."""
    told = world.node.call("wallet/getaccountresource", address=from_text(address).hex())
    return int(told.get("EnergyLimit", 0)) - int(told.get("EnergyUsed", 0))
