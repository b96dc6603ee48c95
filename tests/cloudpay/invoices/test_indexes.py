"""An answer that is given again, and a refusal, use up no deposit address: a restore would have to look beyond them."""

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from cloudpay.chains.gateway import Gateway
from cloudpay.invoices.models import InvoiceRow
from cloudpay.merchants.service import MerchantView
from cloudpay.payments.health import verify
from cloudpay.payments.networks import pause
from cloudpay.wallets.models import AddressRangeRow, DepositAddressRow
from tests.cloudpay.invoices.test_api import PUBLISHED, post


@pytest.fixture(autouse=True)
def _open(gateway: Gateway, merchant: MerchantView) -> None:
    for network in gateway.chains:
        verify(gateway, network, gateway.chains.adapter(network.code))


def reserved(gateway: Gateway) -> int:
    """Answer up to where this gateway has reserved the indexes of its one account."""
    with gateway.db.read() as session:
        return session.scalars(select(AddressRangeRow.next_index)).one()


def test_a_request_that_is_sent_again_uses_up_no_address(
    client: FlaskClient, headers: dict[str, str], gateway: Gateway
) -> None:
    first = post(client, headers, PUBLISHED, **{"Idempotency-Key": "order-1"})
    before = reserved(gateway)
    answers = [post(client, headers, PUBLISHED, **{"Idempotency-Key": "order-1"}) for _ in range(40)]
    assert {answer.get_json()["id"] for answer in answers} == {first.get_json()["id"]}
    assert reserved(gateway) == before


def test_a_closed_network_uses_up_no_address(
    client: FlaskClient, headers: dict[str, str], gateway: Gateway
) -> None:
    post(client, headers, PUBLISHED)
    before = reserved(gateway)
    pause(gateway, "evm", "Maintenance.")
    assert {post(client, headers, PUBLISHED).status_code for _ in range(40)} == {503}
    assert reserved(gateway) == before


def test_what_was_given_back_goes_to_one_invoice(
    client: FlaskClient, headers: dict[str, str], gateway: Gateway
) -> None:
    for number in range(3):
        for _ in range(2):
            post(client, headers, PUBLISHED, **{"Idempotency-Key": f"order-{number}"})
    with gateway.db.read() as session:
        indexes = session.scalars(select(DepositAddressRow.index).order_by(DepositAddressRow.index)).all()
        assert len(session.scalars(select(InvoiceRow.id)).all()) == 3
    assert indexes == [0, 1, 2]
