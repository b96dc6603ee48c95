"""What buyers do: they pay invoices, pay again, and pay other coins; the scheduler has it collected."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.properties.merchants import Merchants, amounts

symbols = st.sampled_from(("ETH", "USDT"))


class Buyers(Merchants):
    """Rules of those who pay, and of what is done with their money."""

    @rule(symbol=symbols, units=amounts)
    def buy(self, symbol: str, units: int) -> None:
        """Somebody pays an invoice, seldom what it asks for."""
        address = self.office.invoice(symbol)
        if address is not None:
            self.truth.deposits.append(address)
            self._pay(address, symbol, units)

    @precondition(lambda self: self.truth.deposits)
    @rule(which=st.integers(0, 20), symbol=symbols, units=amounts)
    def pay_again(self, which: int, symbol: str, units: int) -> None:
        """Somebody pays to an address that may be on its way to be emptied, or was."""
        self._pay(self.truth.deposits[which % len(self.truth.deposits)], symbol, units)

    @rule()
    def collect(self) -> None:
        """The scheduler has its turn, a moment after the last of them has paid."""
        self.pass_time(2)
        self.office.collect()

    def _pay(self, address: str, symbol: str, units: int) -> None:
        self.office.chain.send(address, units, self.office.network.asset(symbol).contract)
