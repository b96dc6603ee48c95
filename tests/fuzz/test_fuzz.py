"""A sample of `make fuzz`: requests made from the OpenAPI document, held to it and to what holds for every answer."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.house import House
from tests.fuzz.shooting import shoot
from tests.fuzz.targets import furnished, house_on_a_node

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, server_database: str | None) -> Iterator[House]:
    """A gateway whose limits nothing reaches."""
    with house_on_a_node(tmp_path_factory.mktemp("f") / "d", server_database) as running:
        yield running


def test_whatever_is_sent_is_answered_as_the_document_says(house: House) -> None:
    report = shoot(house, furnished(house), wanted=400, examples=10)
    assert report.clean, "\n".join(report.lines())
    answered = {route for route, count in report.good_by_route.items() if count}
    assert {
        "POST /invoice",
        "GET /invoice",
        "GET /invoice/{invoice_id}",
        "POST /invoice/{invoice_id}/cancel",
        "GET /user/balance",
        "GET /webhook/deliveries",
        "GET /webhook/deliveries/{delivery_id}",
        "POST /webhook/deliveries/{delivery_id}/redeliver",
    } <= answered, "only refusals would prove little"


def test_an_answer_that_breaks_the_document_is_noticed(house: House) -> None:
    """The net holds: a document that promises something else makes the same run fail."""
    tenant = furnished(house)

    def promise_a_number(document: Any) -> None:
        document["components"]["schemas"]["Invoice"]["properties"]["amount"] = {"type": "integer"}

    report = shoot(house, tenant, wanted=1, examples=3, change=promise_a_number)
    assert any("response_schema_conformance" in name for name in report.failures), report.lines()
