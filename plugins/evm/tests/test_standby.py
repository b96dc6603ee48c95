"""The nodes beside the one that is read: a node that was not believed is asked again when it is needed (F43)."""

from collections.abc import Callable

import pytest

from cloudpay.chains.adapter import NodeState
from cloudpay.chains.errors import NodeUnavailable
from cloudpay.kernel.settings import convert_settings
from cloudpay_devnet.faultproxy import Answered, FaultProxy, JsonCall
from cloudpay_evm.adapter import EvmAdapter
from cloudpay_evm.settings import EvmSettings

HEAD, FORKED_AT, CONFIRMATIONS = 100, 90, 5
LOOKS_SECONDS = 61.0


def telling(fork: Callable[[int], int]) -> Callable[[JsonCall], Answered]:
    """A chain of a hundred blocks, each on the fork that is told for its height."""

    def block(height: int) -> str:
        return f"0x{fork(height):02x}{height:062x}"

    def answer(call: JsonCall) -> Answered:
        if call["method"] == "eth_chainId":
            return Answered("0x7")
        tag = call["params"][0]
        height = HEAD if tag == "latest" else int(tag, 16)
        header = {"number": hex(height), "hash": block(height), "parentHash": block(max(0, height - 1))}
        return Answered({**header, "timestamp": "0x6955b900"})

    return answer


@pytest.mark.parametrize("agrees", [True, False])
def test_f43_a_node_that_was_not_believed_is_read_when_it_agrees_and_no_other_answers(agrees: bool) -> None:
    with FaultProxy() as first, FaultProxy() as second:
        first.on_call = telling(lambda _: 0)
        second.on_call = telling(lambda height: int(height > FORKED_AT))
        table = {
            "chain_id": 7,
            "rpc_urls": [first.url, second.url],
            "confirmations": CONFIRMATIONS,
            "native": "ETH",
        }
        adapter = EvmAdapter(convert_settings(table, EvmSettings, where="test"), "evm")
        now = adapter.nodes.clock()
        adapter.nodes.clock = lambda: now
        adapter.head()
        now += LOOKS_SECONDS
        read = adapter.head()
        assert [each.state for each in adapter.health()] == [NodeState.UP, NodeState.DISPUTED]
        first.down = True
        if agrees:
            second.on_call = telling(lambda _: 0)
            head = adapter.head()
            assert (head.latest, head.final) == (read.latest, read.final) and head.node != read.node
            assert adapter.health()[1].state is NodeState.UP
        else:
            with pytest.raises(NodeUnavailable):
                adapter.head()
            assert adapter.health()[1].state is NodeState.DISPUTED
        adapter.close()
