"""The architecture page and the tables of states say what the code says."""

import configparser
from typing import Any

import pytest

from cloudpay.invoices.states import INVOICE, InvoiceException, InvoiceStatus
from cloudpay.kernel.states import Transitions
from cloudpay.outbox.service import Handler, Together
from cloudpay.payments.states import NETWORK, PAYMENT, NetworkStatus
from cloudpay.transactions.states import SPEND, TRANSACTION
from cloudpay.webhooks.states import DELIVERY
from cloudpay.wiring import EVENT_HANDLERS, SCHEDULE
from tests.docs.pages import DOCS, ROOT, section, table, ticked

ARCHITECTURE = DOCS / "explanation" / "architecture.md"
STATES = DOCS / "explanation" / "states.md"


def _events() -> list[list[str]]:
    return [row for row in table(section(ARCHITECTURE, "What leads where")) if "." in row[0]]


def _name(handler: Handler) -> str:
    function = handler.handle if isinstance(handler, Together) else handler
    return function.__name__


def test_every_event_is_there_with_its_handlers() -> None:
    told = {name: ticked(row[2]) for row in _events() for name in ticked(row[0])}
    wired = {name: [_name(each) for each in handlers] for name, handlers in EVENT_HANDLERS.items()}
    assert {name: handlers for name, handlers in told.items() if handlers} == wired


def test_every_event_that_the_code_appends_is_there() -> None:
    told = {name for row in _events() for name in ticked(row[0])}
    literal = set(EVENT_HANDLERS)
    assert told == literal | {f"network.{status.value}" for status in NetworkStatus}


def test_every_scheduled_work_is_there_with_its_period() -> None:
    words = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
    rows = [row for row in table(section(ARCHITECTURE, "What leads where")) if row[1] in words]
    assert {ticked(row[0])[0]: words[row[1]] for row in rows} == {
        name: every for name, (every, _) in SCHEDULE.items()
    }


def test_every_folder_of_the_core_has_its_floor() -> None:
    told = [name for row in table(section(ARCHITECTURE, "The house")) for name in ticked(row[1])]
    folders = {each.parent.name for each in (ROOT / "cloudpay").glob("*/__init__.py")} | {"tables"}
    assert set(told) == folders
    contracts = configparser.ConfigParser()
    contracts.read(ROOT / "setup.cfg")
    layers = contracts["importlinter:contract:floors"]["layers"].split("\n")
    order = [each.strip("() ") for layer in layers for each in layer.split("|") if each.strip()]
    assert [name for name in order if name in folders] == sorted(told, key=order.index)


@pytest.mark.parametrize(
    ("heading", "transitions"),
    [
        ("Invoice", INVOICE),
        ("Payment", PAYMENT),
        ("Network", NETWORK),
        ("Webhook delivery", DELIVERY),
        ("Spend", SPEND),
        ("Transaction", TRANSACTION),
    ],
)
def test_the_tables_of_states_are_those_of_the_code(heading: str, transitions: Transitions[Any]) -> None:
    rows = [row for row in table(section(STATES, heading)) if len(row) == 3]
    told = {ticked(row[0])[0]: set(ticked(row[2])) for row in rows}
    assert told == {state.value: {each.value for each in after} for state, after in transitions.table.items()}


def test_every_exception_is_explained() -> None:
    rows = [row for row in table(section(STATES, "Invoice")) if len(row) == 2]
    assert {ticked(row[0])[0] for row in rows} == {each.value for each in InvoiceException}


def test_the_reference_of_statuses_leaves_none_out() -> None:
    rows = table(section(DOCS / "reference" / "invoice-statuses.md", "Invoice statuses"))
    assert {ticked(row[0])[0] for row in rows} == {each.value for each in InvoiceStatus}
    assert {name for row in rows for name in ticked(row[1])} == {each.value for each in InvoiceException}
