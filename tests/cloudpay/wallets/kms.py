"""A stand-in of AWS KMS on a real socket: its JSON protocol, its errors, its ciphertexts bound to their context."""

import base64
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@dataclass
class FakeKms:
    """What the service has and has heard; `fails` is the error that it answers everything with."""

    url: str = ""
    fails: str = ""
    status: int = 400
    raw: bytes | None = None
    master: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    heard: list[tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=list)

    def answer(  # noqa: PLR0911  # one line for each thing that it may say
        self, target: str, body: dict[str, Any], headers: dict[str, str]
    ) -> tuple[int, bytes]:
        """Answer one request."""
        self.heard.append((target, body, headers))
        if self.raw is not None:
            return 200, self.raw
        if self.fails:
            return self.status, json.dumps({"__type": self.fails, "message": "so the test has it"}).encode()
        if "Credential=AKIDEXAMPLE/" not in headers.get("authorization", ""):
            return 400, b'{"__type":"MissingAuthenticationTokenException"}'
        if body["KeyId"] != ARN:
            return 400, b'{"__type":"NotFoundException","message":"Key does not exist"}'
        if target == "TrentService.GenerateDataKey":
            plain = secrets.token_bytes(32)
            return 200, self._told(body, plain, self._sealed(plain, body))
        if target == "TrentService.Decrypt":
            blob = base64.b64decode(body["CiphertextBlob"])
            try:
                plain = AESGCM(self.master).decrypt(blob[:12], blob[12:], self._context(body))
            except InvalidTag:
                return 400, b'{"__type":"InvalidCiphertextException"}'
            return 200, self._told(body, plain, None)
        return 400, b'{"__type":"UnknownOperationException"}'

    def _sealed(self, plain: bytes, body: dict[str, Any]) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + AESGCM(self.master).encrypt(nonce, plain, self._context(body))

    @staticmethod
    def _context(body: dict[str, Any]) -> bytes:
        return json.dumps(body.get("EncryptionContext", {}), sort_keys=True).encode()

    @staticmethod
    def _told(body: dict[str, Any], plain: bytes, blob: bytes | None) -> bytes:
        answer = {"KeyId": body["KeyId"], "Plaintext": base64.b64encode(plain).decode()}
        if blob is not None:
            answer["CiphertextBlob"] = base64.b64encode(blob).decode()
        return json.dumps(answer).encode()


@contextmanager
def serving(port: int = 0, kms: FakeKms | None = None) -> Iterator[FakeKms]:
    """Serve a stand-in on loopback."""
    found = kms or FakeKms()

    class Handler(BaseHTTPRequestHandler):
        """Hands requests to the stand-in."""

        def do_POST(self) -> None:  # the base class's name
            """Answer a request."""
            length = int(self.headers["Content-Length"])
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, body = found.answer(
                self.headers["X-Amz-Target"], json.loads(self.rfile.read(length)), headers
            )
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
