"""A batch as a CSV file: what spreadsheets write is read, and what is wrong is named by line and column."""

import json
from collections.abc import Callable, Mapping

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from cloudpay.chains.gateway import Gateway
from cloudpay.payouts.models import BatchRow, PayoutRow
from tests.cloudpay.funds import Send
from tests.cloudpay.payouts.items import ALICE, BOB, count, item

CSV = "/api/user/payouts/bulk/csv"
GOOD = f"id,address,amount\nREF_001,{ALICE},0.5\nREF_002,{BOB},1\n"

Upload = Callable[..., TestResponse]


@pytest.fixture
def upload(funded: Gateway, client: FlaskClient, headers: dict[str, str]) -> Upload:
    """Send a file as the merchant's program; keywords are the query."""

    def build(text: str | bytes, *, more: Mapping[str, str] | None = None, **query: str) -> TestResponse:
        body = text.encode() if isinstance(text, str) else text
        sent = {**headers, "Content-Type": "text/csv", **(more or {})}
        return client.post(CSV, data=body, headers=sent, query_string=query)

    return build


def told(answer: TestResponse) -> list[tuple[str, str, str]]:
    assert answer.status_code == 201, answer.data
    return [(each["id"], each["address"], each["amount"]) for each in answer.get_json()["items"]]


def test_a_file_is_accepted_as_a_batch_is(upload: Upload) -> None:
    answer = upload(GOOD, auto_confirm="true")
    assert told(answer) == [("REF_001", ALICE, "0.50"), ("REF_002", BOB, "1.00")]
    assert answer.get_json()["status"] == "processing"


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        "sep=;\r\n" + GOOD.replace(",", ";").replace("\n", "\r\n"),
        "\n\n" + GOOD.replace("\n", "\n\n") + ",,\n",
        GOOD.removesuffix("\n"),
        GOOD.replace("id,address,amount", "ID,Address,AMOUNT"),
        "".join(f"{line},,\n" for line in GOOD.splitlines()),
        GOOD.replace(",", " , "),
        "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in GOOD.splitlines()),
    ],
    ids=[
        "bom",
        "crlf",
        "semicolons",
        "tabs",
        "sep",
        "blank",
        "no end",
        "capitals",
        "trailing",
        "spaces",
        "quotes",
    ],
)
def test_what_spreadsheets_write_is_read(upload: Upload, text: str) -> None:
    assert told(upload(text)) == [("REF_001", ALICE, "0.50"), ("REF_002", BOB, "1.00")]


def test_columns_come_in_any_order_and_an_empty_cell_is_none(upload: Upload) -> None:
    names = "memo,amount,network,currency,priority,id,address"
    text = f'{names}\n"rent; a, ""b""",12.5,EVM,usdt,HIGH,A,{ALICE}\n,1,,,,B,{BOB}\n'
    first, second = upload(text).get_json()["items"]
    assert (first["memo"], first["network"], first["currency"], first["priority"]) == (
        'rent; a, "b"',
        "evm",
        "USDT",
        "high",
    )
    assert (second["memo"], second["currency"], second["priority"]) == (None, "ETH", "medium")


def test_the_query_says_what_holds_for_lines_that_name_nothing(upload: Upload) -> None:
    answer = upload(GOOD, currency="usdt", priority="HIGH", network="evm")
    assert {(each["currency"], each["priority"]) for each in answer.get_json()["items"]} == {("USDT", "high")}
    refused = upload(GOOD, auto_confirm="1")
    assert (refused.status_code, list(refused.get_json()["errors"])) == (422, ["auto_confirm"])
    wrong = upload(GOOD.replace("REF_", "NEW_"), network="moon")
    assert (wrong.status_code, list(wrong.get_json()["errors"])) == (422, ["network"])


def test_a_preview_answers_what_would_be_and_keeps_nothing(funded: Gateway, upload: Upload) -> None:
    answer = upload(GOOD, dry_run="true")
    assert answer.status_code == 200
    body = answer.get_json()
    assert (body["dry_run"], body["count"], [each["covered"] for each in body["funds"]]) == (True, 2, [True])
    assert count(funded, BatchRow) == count(funded, PayoutRow) == 0


def test_f63_the_same_batch_as_a_file_and_in_json_is_one_batch(
    funded: Gateway, upload: Upload, send: Send
) -> None:
    first = upload(GOOD)
    again = upload(GOOD.replace(",", ";").replace("1\n", "1.000\n"))
    in_json = send(item(1), item(2, address=BOB, amount=1))
    assert first.data == again.data == in_json.data
    assert count(funded, BatchRow) == 1
    assert upload(GOOD.replace("0.5", "0.6")).get_json()["code"] == "payout_id_reused"


def test_an_idempotency_key_holds_for_both_forms(upload: Upload, send: Send) -> None:
    first = upload(GOOD, more={"Idempotency-Key": "k"})
    again = send(item(1), item(2, address=BOB, amount="1"), key="k")
    assert again.headers["Idempotent-Replayed"] == "true" and again.data == first.data
    other = upload(GOOD.replace("REF", "SET"), more={"Idempotency-Key": "k"})
    assert other.get_json()["code"] == "idempotency_key_reused"


def test_every_bad_line_and_column_is_named_at_once(funded: Gateway, upload: Upload) -> None:
    lines = [
        "id,address,amount,priority",
        f'"A",{ALICE},"1,5",',
        f"B,{ALICE},=SUM(A1),soon",
        "",
        f",{ALICE},#N/A,",
        f"1.23457E+15,{ALICE},1E+05,",
        f"C,{ALICE},1",
        f"D,{ALICE},1,5,low",
        f"E,{ALICE},-1,",
        f"F,{ALICE},0,",
    ]
    answer = upload("\n".join(lines))
    errors: dict[str, list[str]] = answer.get_json()["errors"]
    assert (answer.status_code, answer.get_json()["code"]) == (422, "payouts_refused")
    assert {name: each[0][:20] for name, each in errors.items()} == {
        "lines.2.amount": "There is a comma in ",
        "lines.3.amount": "It is a formula. Put",
        "lines.3.priority": "Must be one of: low,",
        "lines.5.id": errors["lines.5.id"][0][:20],
        "lines.5.amount": "It is what a spreads",
        "lines.6.id": "A spreadsheet has sh",
        "lines.6.amount": "A spreadsheet has sh",
        "lines.7": "It has 3 cells, and ",
        "lines.8": "It has 5 cells, and ",
        "lines.9.amount": errors["lines.9.amount"][0][:20],
        "lines.10.amount": errors["lines.10.amount"][0][:20],
    }
    assert count(funded, PayoutRow) == 0


@pytest.mark.parametrize("name", ["#1001", "#A12", "#RUSH!", "#TEA/7", "# N/A"])
def test_an_order_number_with_a_hash_is_an_id_and_a_memo(upload: Upload, name: str) -> None:
    made = upload(f"id,address,amount,memo\n{name},{ALICE},0.5,{name}\n")
    assert made.status_code == 201, made.data
    assert [(each["id"], each["memo"]) for each in made.get_json()["items"]] == [(name, name)]


@pytest.mark.parametrize(
    "name",
    [
        *("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!"),
        *("#GETTING_DATA", "#ERROR!", "#WERT!", "#NV", "#¡VALOR!"),
    ],
)
def test_what_a_spreadsheet_shows_of_a_failed_formula_is_no_id_and_no_memo(upload: Upload, name: str) -> None:
    errors = upload(f"id,address,amount,memo\n{name},{ALICE},0.5,{name}\n").get_json()["errors"]
    assert list(errors) == ["lines.2.id", "lines.2.memo"]
    assert all("when a formula has failed" in said for [said] in errors.values())


def test_what_a_line_means_is_checked_as_an_item_is(upload: Upload) -> None:
    """After a cell of two lines, the next line is where the file has it."""
    text = f"id,address,amount,memo\nA,{ALICE},1,\nB,nowhere,1,\nA,{ALICE},1,\nC,{ALICE},0.0000000000000000001,\n"
    errors = upload(text).get_json()["errors"]
    assert list(errors) == ["lines.5.amount"], "more decimals than any amount has"
    errors = upload(text.replace("0.0000000000000000001", "1")).get_json()["errors"]
    assert list(errors) == ["lines.4.id", "lines.3.address"]
    assert errors["lines.4.id"][0].startswith("Line 2 has the same id")
    two = upload(f'id,address,amount,memo\nA,{ALICE},1,"a\nb"\nB,nowhere,1,x\n').get_json()["errors"]
    assert list(two) == ["lines.2.memo"], "a cell of two lines is no line of text"
    assert list(upload("sep=,\nid,address,amount\nB,nowhere,1\n").get_json()["errors"]) == ["lines.3.address"]


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("", "header", "empty"),
        ("\n \n", "header", "empty"),
        (json.dumps({"items": []}), "header", "names the columns"),
        (f"REF_001,{ALICE},0.5\n", "header", "'id' is missing"),
        ("id,address\nA,B\n", "header", "'amount' is missing"),
        ("id,address,amount,id\n", "header", "'id' is there twice"),
        ("id,address,amount,colour\n", "header", "'colour' is no column here"),
        ("id,address,amount\n", "lines", "nothing below"),
        (GOOD.encode("utf-16"), "file", "CSV UTF-8"),
        (GOOD.encode() + b"\xe4,a,1\n", "file", "CSV UTF-8"),
        (f"id,address,amount\nREF,{ALICE},1,2\n", "lines.2", "It has 4 cells"),
        ("id,address,amount\nREF\n", "lines.2", "It has 1 cells"),
        (GOOD + 'A,"b"c,1\n', "lines.4", "cannot be read as CSV"),
        (GOOD + 'A,"b,1\n', "lines.4", "cannot be read as CSV"),
        (GOOD + f'A,"{"x" * 200_000}",1\n', "lines.4", "cannot be read as CSV"),
        (GOOD + "".join(f"{n},{ALICE},1\n" for n in range(9_999)), "lines", "more than 10000"),
    ],
)
def test_a_file_that_cannot_be_read_says_what_to_do(
    upload: Upload, text: str | bytes, name: str, words: str
) -> None:
    answer = upload(text)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, [name]), answer.data[:500]
    assert words in answer.get_json()["detail"]


def test_a_file_wrapped_in_a_form_is_refused_with_how_to_send_it(upload: Upload) -> None:
    answer = upload(GOOD, more={"Content-Type": "multipart/form-data; boundary=x"})
    assert (answer.status_code, answer.get_json()["code"]) == (415, "file_in_form")
    assert "--data-binary" in answer.get_json()["detail"]


def test_ten_thousand_lines_are_one_batch_below_the_limit_of_a_body(gateway: Gateway, upload: Upload) -> None:
    lines = (f"{n:0200},{ALICE},0.0001,evm,ETH,medium,{'m' * 300}" for n in range(10_000))
    text = "id,address,amount,network,currency,priority,memo\n" + "\n".join(lines)
    assert len(text) < gateway.settings.web.max_body_bytes
    answer = upload(text, dry_run="true")
    assert (answer.status_code, answer.get_json()["count"]) == (200, 10_000)
