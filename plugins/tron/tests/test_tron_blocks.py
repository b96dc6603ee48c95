"""What counts as money in a block (faults F13, F14, F16), and that no answer is believed that leaves something out."""

from collections.abc import Callable, Collection
from typing import Any

import pytest

from cloudpay.chains.errors import Unlinked
from cloudpay.chains.nodes.faults import BlockVanished, NodeFault
from cloudpay.chains.types import BlockRef, Page, TransferSource
from cloudpay_tron.forms import to_hex, to_word
from cloudpay_tron.scan import Scanner
from cloudpay_tron.transfers import TRANSFER, BlockReader

USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
OURS, OTHER = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH", "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf"
CONTRACT = "TG3XXyExBkPp9nzdajDZsozEu4BkaSJozs"


def native(amount: int = 5, ret: str = "SUCCESS", kind: str = "TransferContract") -> dict[str, Any]:
    value = {"owner_address": to_hex(OTHER), "to_address": to_hex(OURS), "amount": amount}
    return transaction(kind, value, ret)


def trigger(ret: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    value = {"owner_address": to_hex(OTHER), "contract_address": to_hex(USDT), "data": "a9059cbb", **more}
    return transaction("TriggerSmartContract", value, ret)


def transaction(kind: str, value: dict[str, Any], ret: str) -> dict[str, Any]:
    contract = {"type": kind, "parameter": {"value": value, "type_url": "x"}}
    return {"txID": "ee" * 32, "raw_data": {"contract": [contract]}, "ret": [{"contractRet": ret}]}


def log(amount: int = 7, address: str = USDT, **more: Any) -> dict[str, Any]:
    topics = [TRANSFER, to_word(OTHER).hex(), to_word(OURS).hex()]
    return {"address": to_hex(address)[2:], "topics": topics, "data": f"{amount:064x}", **more}


def info(**more: Any) -> dict[str, Any]:
    return {"id": "ee" * 32, "blockNumber": 8, "receipt": {"result": "SUCCESS"}, **more}


def internal(amount: int = 3, **more: Any) -> dict[str, Any]:
    return {
        "caller_address": to_hex(CONTRACT),
        "transferTo_address": to_hex(OURS),
        "callValueInfo": [{"callValue": amount}],
        "note": b"call".hex(),
        **more,
    }


@pytest.fixture
def read(scripted: Any, headers: Callable[..., Any], ids: Callable[..., str]) -> Callable[..., Page]:
    """Reads block 8 with one transaction."""

    def reading(sent: dict[str, Any], told: Any, internals: bool = True) -> Page:
        script = {
            "wallet/getblockbylimitnext": {"block": [{**headers(8), "transactions": [sent]}]},
            "wallet/gettransactioninfobyblocknum": told,
            "wallet/getblock": headers(8),
        }
        scanner = Scanner(BlockReader([USDT], internal=internals))

        def watch(addresses: Collection[str]) -> frozenset[str]:
            return frozenset({OURS}) & frozenset(addresses)

        return scanner.read(scripted(script), BlockRef(7, ids(7)), 10, watch, None).page

    return reading


def test_a_native_transfer_is_money(read: Callable[..., Page]) -> None:
    [found] = read(native(), [info(receipt={"net_usage": 268})]).transfers
    assert (found.sender, found.recipient, found.amount, found.contract) == (OTHER, OURS, 5, None)
    assert found.source is TransferSource.NATIVE


def test_a_listed_tokens_log_is_money_whatever_contract_was_called(read: Callable[..., Page]) -> None:
    [found] = read(trigger(contract_address=to_hex(CONTRACT)), [info(log=[log(2**255)])]).transfers
    assert (found.sender, found.recipient, found.amount, found.contract) == (OTHER, OURS, 2**255, USDT)


@pytest.mark.parametrize("ret", ["OUT_OF_ENERGY", "REVERT", "OUT_OF_TIME", "FAILED", "", "success"])
def test_f13_a_transaction_whose_contract_ret_is_not_success_moves_nothing(
    read: Callable[..., Page], ret: str
) -> None:
    whole = info(log=[log()], internal_transactions=[internal()])
    assert read(trigger(ret), [whole]).transfers == ()
    assert read(trigger(ret, call_value=5, contract_address=to_hex(OURS)), [whole]).transfers == ()
    assert read(native(ret=ret), [info(receipt={})]).transfers == ()


@pytest.mark.parametrize("receipt", [{"result": "OUT_OF_ENERGY"}, {"result": "REVERT"}, {}])
def test_f13_logs_count_only_where_the_receipt_says_success_too(
    read: Callable[..., Page], receipt: dict[str, str]
) -> None:
    whole = info(receipt=receipt, log=[log()], internal_transactions=[internal()])
    assert read(trigger(), [whole]).transfers == ()


def test_f13_a_result_that_failed_moves_nothing(read: Callable[..., Page]) -> None:
    assert read(native(), [info(receipt={}, result="FAILED")]).transfers == ()


def test_trx_that_a_contract_sends_is_money(read: Callable[..., Page]) -> None:
    [found] = read(trigger(), [info(internal_transactions=[internal()])]).transfers
    assert (found.sender, found.recipient, found.amount) == (CONTRACT, OURS, 3)
    assert found.source is TransferSource.TRACE


def test_f14_a_rejected_internal_transfer_is_ignored(read: Callable[..., Page]) -> None:
    told = [internal(), internal(9, rejected=True), internal(4)]
    found = read(trigger(), [info(internal_transactions=told)]).transfers
    assert [each.amount for each in found] == [3, 4]
    assert len({each.position for each in found}) == 2


@pytest.mark.parametrize("note", ["call", "create", "suicide"])
def test_every_way_in_which_a_contract_gives_trx_away_is_money(read: Callable[..., Page], note: str) -> None:
    told = [internal(note=note.encode().hex()), internal(4, note=note.encode().hex().upper())]
    assert [each.amount for each in read(trigger(), [info(internal_transactions=told)]).transfers] == [3, 4]


@pytest.mark.parametrize(
    "note",
    [
        b"delegateResourceOfEnergy",
        b"delegateResourceOfBandwidth",
        b"unDelegateResourceOfEnergy",
        b"freezeForEnergy",
        b"unfreezeForEnergy",
        b"freezeBalanceV2ForEnergy",
        b"unfreezeBalanceV2ForBandwidth",
        b"withdrawExpireUnfreeze",
        b"withdrawReward",
        b"voteWitness",
        b"calls",
        b"",
    ],
)
def test_f16_energy_that_a_contract_lends_is_no_trx(read: Callable[..., Page], note: bytes) -> None:
    told = [internal(10**9, note=note.hex()), internal(4)]
    found = read(trigger(), [info(internal_transactions=told)]).transfers
    assert [each.amount for each in found] == [4]


def test_f16_an_internal_transaction_without_a_note_is_no_money(read: Callable[..., Page]) -> None:
    told = internal()
    del told["note"]
    assert read(trigger(), [info(internal_transactions=[told])]).transfers == ()


def test_f16_a_trc_10_named_like_a_listed_token_is_ignored(read: Callable[..., Page]) -> None:
    value = {
        "owner_address": to_hex(OTHER),
        "to_address": to_hex(OURS),
        "amount": 1_000_000,
        "asset_name": b"USDT".hex(),
    }
    assert read(transaction("TransferAssetContract", value, "SUCCESS"), [info(receipt={})]).transfers == ()
    inside = internal()
    inside["callValueInfo"] = [{"callValue": 1_000_000, "tokenId": "1002000"}]
    assert read(trigger(), [info(internal_transactions=[inside])]).transfers == ()
    called = trigger(call_token_value=1_000_000, token_id=1_002_000, contract_address=to_hex(OURS))
    assert read(called, [info()]).transfers == ()


@pytest.mark.parametrize(
    "odd",
    [
        log(0),
        log(address=CONTRACT),
        log(topics=[TRANSFER, to_word(OTHER).hex()]),
        log(topics=["8c" * 32, to_word(OTHER).hex(), to_word(OURS).hex()]),
        log(topics=[TRANSFER, to_word(OTHER).hex(), "01" + to_word(OURS).hex()[2:]]),
        log(data=""),
        log(data="zz" * 32),
    ],
)
def test_a_log_of_another_shape_or_token_is_skipped(read: Callable[..., Page], odd: dict[str, Any]) -> None:
    found = read(trigger(), [info(log=[odd, log(8)])]).transfers
    assert [each.amount for each in found] == [8]


def test_without_internal_transfers_contracts_trx_is_left_to_balances(read: Callable[..., Page]) -> None:
    assert read(trigger(), [info(internal_transactions=[internal()])], False).transfers == ()


@pytest.mark.parametrize(
    "told",
    [[], [info(id="dd" * 32)], [info(), info()], [info(blockNumber=9)]],
)
def test_results_that_are_not_those_of_the_block_are_never_believed(
    read: Callable[..., Page], told: list[dict[str, Any]]
) -> None:
    with pytest.raises(NodeFault, match="results"):
        read(trigger(), told)


def test_results_of_a_block_that_was_replaced_are_asked_for_again(
    scripted: Any, headers: Callable[..., Any], ids: Callable[..., str]
) -> None:
    script = {
        "wallet/getblockbylimitnext": {"block": [{**headers(8), "transactions": [native()]}]},
        "wallet/gettransactioninfobyblocknum": [],
        "wallet/getblock": lambda given: headers(8, "b" if "id_or_num" in given else "a"),
    }
    scanner = Scanner(BlockReader([USDT], internal=True))
    with pytest.raises(BlockVanished):
        scanner.read(scripted(script), BlockRef(7, ids(7)), 10, lambda _: frozenset(), None)


def test_a_block_whose_parent_is_another_is_unlinked(
    scripted: Any, headers: Callable[..., Any], ids: Callable[..., str]
) -> None:
    script = {
        "wallet/getblock": headers(9),
        "wallet/getblockbylimitnext": {"block": [headers(8), headers(9)]},
    }
    scanner = Scanner(BlockReader([USDT], internal=True))
    with pytest.raises(Unlinked):
        scanner.read(scripted(script), BlockRef(7, ids(7, "b")), 10, lambda _: frozenset(), None)


def test_a_node_that_lags_is_no_empty_page(
    scripted: Any, headers: Callable[..., Any], ids: Callable[..., str]
) -> None:
    node = scripted({"wallet/getblock": headers(5)})
    with pytest.raises(NodeFault, match="lags behind"):
        Scanner(BlockReader([], internal=True)).read(
            node, BlockRef(7, ids(7)), 10, lambda _: frozenset(), None
        )


def test_a_block_whose_id_is_of_another_number_is_a_fault(scripted: Any, headers: Callable[..., Any]) -> None:
    wrong = {**headers(8), "blockID": f"{9:016x}" + "a" * 48}
    with pytest.raises(NodeFault, match="of another"):
        scripted({"wallet/getblock": wrong}).required(8)


def test_the_calls_of_a_page_are_those_of_its_blocks_however_many_are_watched(
    scripted: Any, headers: Callable[..., Any], ids: Callable[..., str]
) -> None:
    blocks = [headers(8), {**headers(9), "transactions": [native()]}]
    node = scripted(
        {
            "wallet/getblock": headers(9),
            "wallet/getblockbylimitnext": {"block": blocks},
            "wallet/gettransactioninfobyblocknum": [info(blockNumber=9, receipt={})],
        }
    )
    Scanner(BlockReader([USDT], internal=True)).read(node, BlockRef(7, ids(7)), 10, frozenset, None)
    assert [path for path, _ in node.asked] == [
        "wallet/getblock",
        "wallet/getblockbylimitnext",
        "wallet/gettransactioninfobyblocknum",
    ]
