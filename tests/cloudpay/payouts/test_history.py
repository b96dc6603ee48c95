"""The list of payouts: newest first, filtered, steady, and as a table."""

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from cloudpay.chains.gateway import Gateway
from cloudpay.payouts import export
from cloudpay.payouts.models import PayoutRow
from cloudpay.testing import FixedClock
from tests.cloudpay.funds import Send
from tests.cloudpay.payouts.items import BOB, item

HISTORY = "/api/payout/history"


@pytest.fixture
def ask(client: FlaskClient, headers: dict[str, str]) -> Any:
    """Ask for the history."""
    return lambda query="": client.get(f"{HISTORY}{query}", headers=headers).get_json()


def ids(page: dict[str, Any]) -> list[str]:
    return [each["id"] for each in page["items"]]


def test_the_published_query_answers_the_newest_first(send: Send, ask: Any) -> None:
    send(item(1), item(2))
    send(item(3))
    page = ask("?page=1&limit=20")
    assert ids(page) == ["REF_003", "REF_002", "REF_001"]
    assert (page["page"], page["limit"], page["more"]) == (1, 20, False)


def test_pages_are_steady_while_new_payouts_come_in(send: Send, ask: Any) -> None:
    send(*map(item, range(1, 6)))
    first = ask("?limit=2")
    send(item(6))
    second = ask(f"?limit=2&page=2&anchor={first['anchor']}")
    third = ask(f"?limit=2&page=3&anchor={first['anchor']}")
    assert ids(first) + ids(second) + ids(third) == [f"REF_00{number}" for number in (5, 4, 3, 2, 1)]
    assert (second["more"], third["more"]) == (True, False)


def test_filters_are_status_network_currency_id_batch_and_dates(
    funded: Gateway, send: Send, ask: Any, clock: FixedClock
) -> None:
    from datetime import timedelta

    first = send(item(1), auto_confirm=True).get_json()
    begin = clock.moment
    clock.advance(timedelta(hours=1))
    send(item(2, currency="USDT"))
    later = (begin + timedelta(minutes=30)).isoformat().replace("+00:00", "Z")
    for query, expected in {
        "?status=queued": ["REF_001"],
        "?status=awaiting_confirmation": ["REF_002"],
        "?currency=usdt": ["REF_002"],
        "?currency=MOON": [],
        "?network=EVM": ["REF_002", "REF_001"],
        "?network=fake2": [],
        "?external_id=REF_001": ["REF_001"],
        "?external_id=ref_001": [],
        f"?batch_id={first['batch_id']}": ["REF_001"],
        f"?created_from={later}": ["REF_002"],
        f"?created_to={later}": ["REF_001"],
        "?status=queued&currency=usdt": [],
    }.items():
        assert ids(ask(query)) == expected, query


def test_a_filter_that_is_none_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    for query in ("status=lost", "created_from=yesterday", "moon=1", "network=moon"):
        assert client.get(f"{HISTORY}?{query}", headers=headers).status_code == 422, query


def table(client: FlaskClient, headers: dict[str, str], query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"{HISTORY}{query}", headers={**headers, "Accept": "text/csv"})
    assert answer.status_code == 200 and answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_the_table_holds_all_that_the_filters_let_through(
    send: Send, client: FlaskClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudpay.payouts.service._EXPORTED_AT_ONCE", 2)
    monkeypatch.setattr(export, "_PIECE", 200)
    send(*map(item, range(1, 6)), auto_confirm=True)
    send(item(6, currency="USDT", address=BOB))
    rows = table(client, headers)
    assert [each["id"] for each in rows] == [f"REF_00{number}" for number in (6, 5, 4, 3, 2, 1)]
    assert tuple(rows[0]) == export.COLUMNS
    assert (rows[0]["amount"], rows[0]["currency"], rows[0]["status"]) == (
        "0.50",
        "USDT",
        "awaiting_confirmation",
    )
    assert [each["id"] for each in table(client, headers, "?currency=USDT")] == ["REF_006"]
    assert table(client, headers, "?status=failed") == []


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_f88_a_cell_that_a_spreadsheet_would_calculate_is_written_as_text(
    send: Send, client: FlaskClient, headers: dict[str, str], start: str
) -> None:
    formula = f'{start}HYPERLINK("http://evil.example","Total")'
    assert send(item(1, id=formula, memo=f"  {formula}")).status_code == 201
    row = table(client, headers)[0]
    assert row["id"] == f"'{formula}" and row["memo"] == f"'  {formula}"


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize(
    "memo",
    ["x;=cmd|' /C calc'!A0", 'a";=1+1', 'a;"=1+1', "a; -1", "a;;+1", "\u00a0=1", "\uff1d1+1", ";=1;=2"],
)
def test_f88_no_formula_begins_a_cell_of_a_spreadsheet_that_reads_another_separator(
    send: Send, client: FlaskClient, headers: dict[str, str], separator: str, memo: str
) -> None:
    assert send(item(1, memo=memo), item(2)).status_code == 201
    text = client.get(HISTORY, headers={**headers, "Accept": "text/csv"}).text
    cells = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row]
    assert not [cell for cell in cells if cell.strip(' \u00a0"').startswith(("=", "+", "-", "@", "\uff1d"))]
    assert not [line for line in text.splitlines() for cell in line.split(separator) if cell.startswith("=")]


def test_f88_a_lines_end_within_a_reason_begins_no_formula(
    funded: Gateway, send: Send, client: FlaskClient, headers: dict[str, str]
) -> None:
    send(item(1))
    funded.db.run(lambda session: session.execute(update(PayoutRow).values(reason="one\r\n=2\n-3")))
    assert table(client, headers)[0]["reason"] == "one\r\n'=2\n'-3"


def test_every_cell_of_the_table_is_in_quotes(
    send: Send, client: FlaskClient, headers: dict[str, str]
) -> None:
    send(item(1, memo="a;b, c"))
    header, line = client.get(HISTORY, headers={**headers, "Accept": "text/csv"}).text.splitlines()
    assert header == ",".join(f'"{each}"' for each in export.COLUMNS)
    assert ',"a;b, c",' in line and ',"",' in line and line.startswith('"REF_001",')


def test_the_document_names_the_table_beside_the_page(client: FlaskClient) -> None:
    made = client.get("/api/openapi.json").get_json()
    content = made["paths"]["/payout/history"]["get"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/csv"}
    assert content["text/csv"]["schema"] == {"type": "string"}
    assert content["application/json"]["schema"]["$ref"].endswith("/PayoutPage")


def test_an_error_in_a_reason_is_a_cell_like_any_other(
    funded: Gateway, send: Send, client: FlaskClient, headers: dict[str, str]
) -> None:
    send(item(1, memo='a "quoted", long\u00e9 note'))
    funded.db.run(lambda session: session.execute(update(PayoutRow).values(reason="one\ntwo")))
    row = table(client, headers)[0]
    assert (row["memo"], row["reason"]) == ('a "quoted", long\u00e9 note', "one\ntwo")


def test_the_answers_have_the_fields_of_their_schemas(
    send: Send, ask: Any, client: FlaskClient, headers: dict[str, str]
) -> None:
    from cloudpay.payouts.schemas import BatchSchema, FundsSchema, PayoutSchema, TotalSchema

    batch = send(item(1)).get_json()
    dry = send(item(2), dry_run=True).get_json()
    shown = client.get(f"/api/payout/batch/{batch['batch_id']}", headers=headers).get_json()
    one = client.get(f"/api/payout/{batch['items'][0]['payout_id']}", headers=headers).get_json()
    for answer in (batch, dry, shown):
        assert list(answer) == list(BatchSchema().fields)
        assert BatchSchema().validate(answer) == {}
        assert list(answer["totals"][0]) == list(TotalSchema().fields)
    assert list(dry["funds"][0]) == list(FundsSchema().fields)
    assert list(one) == list(PayoutSchema().fields) == list(ask()["items"][0])
    assert PayoutSchema().validate(one) == {}
