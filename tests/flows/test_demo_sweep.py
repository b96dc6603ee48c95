"""In the demo, what a paid invoice brought is collected while somebody watches."""

import pytest

from tests.flows.running import RunningDemo, wait_for

pytestmark = pytest.mark.flow


def unswept(demo: RunningDemo, network: str, token: str | None) -> tuple[str, str]:
    """Answer what is available in the master wallet, and what lies at deposit addresses."""
    found = demo.balance(network, token)
    return found["available"], found["unswept"]


@pytest.mark.parametrize(
    ("network", "amount", "after"),
    [
        ("evm", "2.50", "1002.50"),
        ("bsc", "2.50", "1002.50"),
        ("polygon", "2.50", "1002.50"),
        (
            "tron",
            "25.00",
            "1025.00",
        ),  # a transfer of USDT burns up to thirteen TRX there: 2.50 would not be worth it
    ],
)
def test_a_paid_invoice_s_token_comes_to_the_master_wallet(
    demo: RunningDemo, network: str, amount: str, after: str
) -> None:
    assert len(demo.file["processes"]["worker:send"]) == 1
    token = demo.file["networks"][network]["assets"]["USDT"]["token_address"]
    wait_for("the master wallet's money", lambda: unswept(demo, network, token) == ("1000.00", "0.00"))
    invoice = demo.create(network, "USDT", amount=amount)
    demo.pay(invoice)
    demo.wait_until(invoice["id"], "paid")
    wait_for("the sweep", lambda: unswept(demo, network, token) == (after, "0.00"), seconds=120)
    assert demo.wallet(network).holds(token, invoice["address_in"]) == 0
