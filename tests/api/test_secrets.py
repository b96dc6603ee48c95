"""F98 and F83: secrets planted in a whole running gateway, provoked in every way, then searched for everywhere."""

import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import MetaData, make_url, select, text

from cloudpay.merchants.service import webhook_secrets
from tests.api.house import House, Tenant
from tests.api.opening import open_house
from tests.api.wire import Wire, request

pytestmark = pytest.mark.timeout(180)

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
NODE_KEY = "nk7Q2vPlantedNodeKeyX91"
NODE_PASSWORD = "np3LPlantedPasswordZ55"
STRANGER = "sk_PlantedStrangersKey0000000000000000000000000"


@dataclass
class Planted:
    """A gateway with secrets in it, and everything that it has answered."""

    house: House
    tenant: Tenant
    secrets: Mapping[str, str]
    answers: list[bytes] = field(default_factory=list)

    def ask(self, method: str, path: str, *headers: str, body: bytes = b"") -> None:
        """Send a request and keep what comes back."""
        length = f"Content-Length: {len(body)}"
        self.answers.append(Wire(self.house, 10).send(request(method, path, length, *headers, body=body)).raw)

    def found_in(self, where: str) -> list[str]:
        """Answer the names of the secrets that a text holds."""
        return [name for name, secret in self.secrets.items() if secret in where]


@pytest.fixture(scope="module")
def node() -> Iterator[str]:
    """A node that fails, and throws the address it was called by back at the caller; its URL holds a key twice."""

    class Failing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            told = f"<html>bad key in http://{self.headers['Host']}{self.path} {self.headers}</html>".encode()
            self.send_response(500)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://user:{NODE_PASSWORD}@127.0.0.1:{server.server_port}/v3/{NODE_KEY}?apikey={NODE_KEY}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def planted(folder: Path, server_database: str | None, node: str) -> Iterator[Planted]:
    """The whole gateway at level debug, after everything that could make it tell has been tried."""
    opened = open_house(folder, server_database, log_level="debug", rpc_url=node, serve=("up",), words=WORDS)
    with opened as house:
        tenant = house.tenant("Tea Shop")
        found = {
            "api key": tenant.api_key,
            "api key without its prefix": tenant.api_key[3:],
            "a stranger's key": STRANGER,
            "webhook secret": webhook_secrets(house.gateway, tenant.merchant_id)[0],
            "app.key": (folder / "app.key").read_text(encoding="utf-8").strip(),
            "seal.key": (folder / "seal.key").read_text(encoding="utf-8").strip(),
            "seed words": WORDS,
            "three seed words": "wave sausage worth",
            "node key": NODE_KEY,
            "node password": NODE_PASSWORD,
        }
        if server_database:
            found["database password"] = str(make_url(server_database).password)
        planting = Planted(house, tenant, found)
        _provoke(planting)
        deadline = time.monotonic() + 60
        while "evm" not in house.log.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline, "the watcher said nothing of the node that fails"
            time.sleep(0.1)  # between two looks
        yield planting


def _provoke(planted: Planted) -> None:
    """Put secrets where they do not belong, and break what can be broken."""
    key = planted.tenant.api_key
    good = f"x-api-key: {key}"
    for secret in (key, STRANGER):
        for body in (
            f'{{"{secret}": 1}}',
            f'{{"amount": "{secret}"}}',
            f'{{"amount": {secret}',
            f'"{secret}"',
        ):
            planted.ask("POST", "/api/invoice", good, body=body.encode())
            planted.ask("POST", "/api/invoice", f"x-api-key: {STRANGER}", body=body.encode())
        planted.ask("GET", f"/api/invoice?token={secret}&page={secret}", good)
        planted.ask("GET", f"/api/invoice?api_key={secret}")
        planted.ask("GET", "/api/invoice", good, f"X-Request-Id: {secret}")
        planted.ask("GET", "/api/invoice", good, f"User-Agent: {secret}", f"Referer: http://x/{secret}")
        planted.ask("GET", "/api/invoice", f"Authorization: Bearer {secret}", f"Cookie: a={secret}")
    planted.ask("FOO", "/api/invoice", good)
    planted.house.invoice(planted.tenant, callback_url="https://nowhere.invalid/hook")
    _break_a_table(planted)
    planted.ask("GET", "/metrics")
    planted.ask("GET", "/readyz")
    planted.ask("GET", "/api/openapi.json")
    planted.ask("GET", f"/pay/{planted.tenant.invoice_id}")


def _break_a_table(planted: Planted) -> None:
    """A statement that fails is told with its values, by libraries that mean well."""
    body = {"amount": "1", "currency": "ETH", "customer_name": "A", "notification_emails": ""}
    headers = (f"x-api-key: {planted.tenant.api_key}", "Idempotency-Key: order-1")
    for rename in ("idempotency_keys RENAME TO away", "away RENAME TO idempotency_keys"):
        with planted.house.gateway.db.transaction() as session:
            session.execute(text(f"ALTER TABLE {rename}"))
        planted.ask("POST", "/api/invoice", *headers, body=json.dumps(body).encode())
    for status in ("nonsense", "pending"):
        with planted.house.gateway.db.transaction() as session:
            session.execute(text("UPDATE invoices SET status = :status"), {"status": status})
        planted.ask("GET", f"/api/invoice/{planted.tenant.invoice_id}", headers[0])


def _processes(pid: int) -> Iterator[int]:
    yield pid
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split():
        yield from _processes(int(child))


def test_f98_what_was_provoked_did_fail(planted: Planted) -> None:
    """Or the search below would find nothing for want of anything said."""
    statuses = {answer[9:12] for answer in planted.answers}
    assert {b"401", b"400", b"422", b"500", b"405", b"200"} <= statuses, statuses
    log = planted.house.log.read_text(encoding="utf-8")
    assert "Traceback" in log and "request_failed" in log and '"level": "debug"' in log


def test_f98_no_answer_holds_a_secret_that_its_asker_did_not_send(planted: Planted) -> None:
    own = {
        "api key",
        "api key without its prefix",
        "a stranger's key",
    }  # what a client has sent may be quoted to it
    for answer in planted.answers:
        assert set(planted.found_in(answer.decode("utf-8", "replace"))) <= own, answer[:2000]
        if answer[9:12] == b"500":
            assert not planted.found_in(answer.decode("utf-8", "replace"))
            assert b"idempotency" not in answer and b"SELECT" not in answer


def test_f98_no_log_of_any_process_holds_a_secret(planted: Planted, folder: Path) -> None:
    logs = [*folder.glob("*.log"), *folder.glob("*.out")]
    assert planted.house.log in logs and len(logs) >= 2
    for log in logs:
        told = log.read_text(encoding="utf-8", errors="replace")
        where = [line[:1500] for line in told.splitlines() if planted.found_in(line)]
        assert planted.found_in(told) == [], (log, where[:2])


def test_f98_redis_holds_no_secret(planted: Planted) -> None:
    client = Redis.from_url(planted.house.gateway.settings.redis_url, retry=None)
    keys = list(client.scan_iter(count=1000))
    assert keys, "limits are counted there, at least"
    dumped = []
    for key in keys:
        readers: dict[bytes, Any] = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
            b"stream": client.xrange,
        }
        kind: Any = client.type(key)
        if kind == b"none":  # it ran out since it was listed
            continue
        dumped.append(f"{key!r} {readers[kind](key)!r}")
    assert planted.found_in("\n".join(dumped)) == []


def _shown(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def test_f83_a_dump_of_the_database_holds_no_secret(planted: Planted) -> None:
    metadata, dumped = MetaData(), []
    metadata.reflect(planted.house.gateway.db.engine)
    with planted.house.gateway.db.read() as session:
        for table in metadata.tables.values():
            dumped += [" ".join(map(_shown, row)) for row in session.execute(select(table))]
    whole = "\n".join(dumped)
    assert planted.tenant.invoice_id in whole, "it is the right one"
    assert planted.found_in(whole) == []


@pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="only Linux shows another process's environment"
)
def test_f98_no_process_shows_a_secret_in_its_title_or_environment(planted: Planted) -> None:
    assert planted.house.process is not None
    pids = list(_processes(planted.house.process.pid))
    assert len(pids) >= 4, "the supervisor, the web server and its worker, the workers"
    for pid in pids:
        for name in ("cmdline", "environ"):
            shown = Path(f"/proc/{pid}/{name}").read_bytes().decode("utf-8", "replace")
            assert planted.found_in(shown) == [], (pid, name)
