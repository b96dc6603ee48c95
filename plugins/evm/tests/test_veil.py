"""What a node says is shown without the key in its address, and without what a terminal would obey (F98)."""

import json
from collections.abc import Callable, Iterator

import pytest

from cloudpay.chains.errors import NodeUnavailable
from cloudpay.chains.nodes.veil import Veil
from cloudpay.chains.spending import Broadcast, Signed
from cloudpay_devnet.faultproxy import Answered, FaultProxy, Raw
from cloudpay_evm.broadcasting import broadcast
from cloudpay_evm.calls import Call
from cloudpay_evm.errors import NodeFault
from cloudpay_evm.node import Node
from cloudpay_evm.nodes import Nodes
from cloudpay_evm.wire import TEXT, octets

KEY = "9aa3d95b3bc440fa88ea12eaa4456161"
VERSION: Call[str] = Call("web3_clientVersion", (), TEXT)
MakeNodes = Callable[..., Nodes]


@pytest.fixture
def nodes_at(script: FaultProxy) -> Iterator[MakeNodes]:
    """Open the scripted node by an address with a key in it."""
    opened: list[Nodes] = []

    def make(path: str = f"/v3/{KEY}") -> Nodes:
        node = Node(script.url + path, "host", timeout=5, batch_size=10)
        opened.append(Nodes("evm", 7, [node]))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def error(message: str, code: int = -32000) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": message}}).encode()


@pytest.mark.parametrize(
    "told",
    [
        Raw(body=error(f"project {KEY} has no access to archive state")),
        Raw(404, error(f"path /v3/{KEY} not found")),
        Raw(body=error(f"path /V3/{KEY.upper()} not found")),
        Raw(body=error(f"rate limit of {KEY} exceeded", 429)),
        Raw(body=error("x" * 190 + KEY)),
    ],
    ids=["refused", "with a 404", "in capitals", "limited", "where the text is cut"],
)
def test_f98_a_key_that_a_node_quotes_is_shown_nowhere(
    script: FaultProxy, nodes_at: MakeNodes, told: Raw
) -> None:
    script.on_request = lambda _: told
    nodes = nodes_at()
    with pytest.raises(NodeUnavailable) as raised:
        nodes.run(lambda node: node.ask(VERSION))
    for shown in (raised.value.message, str(nodes.health()[0].last_error)):
        assert KEY[:6] not in shown.lower()
    assert "host: it" in raised.value.message


def test_f98_a_key_in_an_answer_of_another_shape_is_shown_nowhere(
    script: FaultProxy, nodes_at: MakeNodes
) -> None:
    script.on_call = lambda call: Answered("0x7" if call["method"] == "eth_chainId" else f"{'no ' * 8}{KEY}")
    nodes = nodes_at()
    nodes.members[0].checked = True
    with pytest.raises(NodeUnavailable) as raised:
        nodes.run(lambda node: octets(node.ask(VERSION)))
    assert KEY[:6] not in raised.value.message + str(nodes.health()[0].last_error)


def test_f98_a_key_in_what_a_node_says_to_a_transaction_is_kept_nowhere(
    script: FaultProxy, nodes_at: MakeNodes
) -> None:
    signed = [Signed("0x" + "11" * 32, b"1"), Signed("0x" + "22" * 32, b"2")]
    told = iter([Answered(error={"code": -32000, "message": f"{KEY}: nonce too low"}), Answered(KEY)])
    script.on_call = lambda call: next(told) if call["method"] == "eth_sendRawTransaction" else None
    nodes = nodes_at()
    nodes.members[0].checked = True
    answers = broadcast(nodes, signed)
    assert [each.outcome for each in answers] == [Broadcast.REJECTED, Broadcast.UNKNOWN]
    assert KEY not in "".join(each.reason for each in answers)


@pytest.mark.parametrize(
    ("url", "said", "shown"),
    [
        ("https://h/v3/abcdef", "no abcdef on /v3/", "no [hidden] on /v3/"),
        ("https://h/rpc?key=abc%2Fdef&chain=1", "abc/def, abc%2Fdef", "[hidden], [hidden]"),
        ("https://h/?key=abcd&x=efgh", "?key=abcd&x=efgh", "?[hidden]"),
        ("https://me:s%40fe:x@h/", "s@fe:x s%40fe:x", "[hidden] [hidden]"),
        ("https://user1:pass1@h/", "hello user1, pass1", "hello [hidden], [hidden]"),
        ("https://h/abcd/abcdefgh", "abcdefgh", "[hidden]"),
        ("https://h", "anything", "anything"),
    ],
)
def test_every_longer_part_of_an_address_is_hidden_as_it_stands_there_and_decoded(
    url: str, said: str, shown: str
) -> None:
    assert Veil(url).over(said) == shown


def test_what_a_terminal_would_obey_is_blank(script: FaultProxy, nodes_at: MakeNodes) -> None:
    script.on_request = lambda _: Raw(body=error("no\x1b[2J\r\nall is well\u202e\x9b!\0"))
    nodes = nodes_at()
    with pytest.raises(NodeUnavailable) as raised:
        nodes.run(lambda node: node.ask(VERSION))
    for shown in (raised.value.message, str(nodes.health()[0].last_error), NodeFault("\x1b[2J").message):
        assert shown.isprintable()
