"""The proxy's HTTP: one request in, one answer out, or none at all."""

from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, ClassVar

from cloudpay_devnet.faultproxy import control
from cloudpay_devnet.faultproxy.values import HANG_UP, Raw

if TYPE_CHECKING:
    from cloudpay_devnet.faultproxy.proxy import FaultProxy


class _Handler(BaseHTTPRequestHandler):
    proxy: ClassVar["FaultProxy"]
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one write for head and body, or each answer would wait for a delayed acknowledgement
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._reply(control.show(self.proxy, self.path))

    def do_POST(self) -> None:
        body = self._body()
        if self.path == control.PATH:
            self._reply(control.change(self.proxy, body, self.headers.get_content_type()))
        elif self.proxy.down:
            self.close_connection = True
        else:
            self._reply(self.proxy.answer(body))

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:  # the caller is gone, perhaps killed in the middle
            self.close_connection = True

    def _body(self) -> bytes:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionResetError("the caller broke off")
        return body

    def _reply(self, raw: Raw) -> None:
        if raw is HANG_UP:
            self.close_connection = True
            return
        self.send_response(raw.status)
        headers = {"Content-Length": str(len(raw.body)), **raw.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw.body)
        if int(headers["Content-Length"]) != len(raw.body):
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Say nothing on standard error."""


def handler(proxy: "FaultProxy") -> type[BaseHTTPRequestHandler]:
    """Make the handler of one proxy's requests."""
    return type("Handler", (_Handler,), {"proxy": proxy})
