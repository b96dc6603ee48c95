"""An answer has its time and no more, whatever part of it a node draws out (F41)."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from cloudpay_devnet.faultproxy import Answered, FaultProxy
from cloudpay_evm.calls import CHAIN_ID
from cloudpay_evm.errors import NodeFault
from cloudpay_evm.node import Node

_SOON = 5.0
"""Far more than the half second that a node has, and far less than a drip would take."""


@contextmanager
def dripping(begins: bytes) -> Iterator[str]:
    """A node that begins an answer, and sends a byte of the rest now and then, for ever."""
    over = threading.Event()

    def drip() -> None:
        with suppress(OSError):  # the other side, or the test, has enough
            connection, _ = listener.accept()
            with connection:
                connection.sendall(begins)
                while not over.wait(0.1):
                    connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        thread.join()


@pytest.mark.parametrize(
    "begins",
    [
        b"HTTP/1.1 200 OK\r\nServer: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 9999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["its headers", "its body", "a redirect's body", "the length of a chunk"],
)
def test_f41_a_node_that_drips_its_answer_is_left_in_time_whatever_part_it_drips(begins: bytes) -> None:
    with dripping(begins) as url:
        node = Node(url, "a node", timeout=0.5, batch_size=1)
        began = time.monotonic()
        with pytest.raises(NodeFault):
            node.ask(CHAIN_ID)
        assert time.monotonic() - began < _SOON
        node.close()


def test_an_answer_has_its_whole_time_on_a_connection_that_was_kept(script: FaultProxy) -> None:
    script.on_call = lambda _: Answered("0x7")
    node = Node(script.url, "a node", timeout=0.5, batch_size=1)
    assert node.ask(CHAIN_ID) == "0x7"
    time.sleep(0.6)  # idle for longer than an answer may take
    assert node.ask(CHAIN_ID) == "0x7"
    node.close()
