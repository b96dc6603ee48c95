"""The conformance suite finds what it is there to find: each planted defect fails the check that is named here."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from cloudpay.testing import FakeAddresses, FakeChain
from cloudpay.testing.conformance import ChainConformance
from cloudpay.testing.fakeworld import FakeWorld
from tests.conformance import defects

_IMPORT_CHECK = (
    "test_declaring_networks_imports_nothing_heavy"  # a process of its own: only where it is meant
)


FOUND_BY = {
    defects.ReportsReverted: "test_a_failed_transaction_moves_nothing",
    defects.DropsSecondTransferOfATransaction: "test_every_transfer_of_one_transaction_is_reported_in_order",
    defects.OverlapsPages: "test_pages_of_any_limits_report_every_block_once",
    defects.SkipsABlock: "test_pages_are_linked_in_order_and_within_their_limit",
    defects.LosesTransfersAtThePageEdge: "test_pages_of_any_limits_report_every_block_once",
    defects.IgnoresLimit: "test_pages_are_linked_in_order_and_within_their_limit",
    defects.StartsAtTheFirstBlock: "test_the_first_page_is_the_newest_block_alone",
    defects.IgnoresParentHash: "test_a_replaced_block_is_unlinked",
    defects.KeepsACursorOfItsOwn: "test_the_same_question_has_the_same_answer",
    defects.MatchesTokensBySymbol: "test_a_token_that_is_not_listed_is_not_reported",
    defects.ReportsZero: "test_nothing_is_not_a_transfer",
    defects.FloatAmounts: "test_a_native_transfer_is_reported_as_it_happened",
    defects.SixtyFourBitAmounts: "test_the_largest_amount_is_exact",
    defects.OnePositionForAll: "test_transfers_of_one_block_have_their_own_positions",
    defects.NewestTransferFirst: "test_every_transfer_of_one_transaction_is_reported_in_order",
    defects.SeesOnlyWhatComesIn: "test_native_money_that_leaves_an_address_of_ours_is_reported",
    defects.ReportsEverybodysMoney: "test_only_transfers_of_ours_are_reported",
    defects.AsksWatchForEveryAddress: "test_watch_is_asked_once_a_page_with_normalised_addresses",
    defects.DoesNotNormalise: "test_watch_is_asked_once_a_page_with_normalised_addresses",
    defects.PromisesTracesAndHasNone: "test_native_money_from_a_contract_is_found_by_trace_or_by_balance",
    defects.ReportsContractMoneyTwice: "test_native_money_from_a_contract_is_found_by_trace_or_by_balance",
    defects.HidesTracesItHas: "test_native_money_from_a_contract_is_found_by_trace_or_by_balance",
    defects.FinalBlockFromAnotherNode: "test_head_and_final_block_are_of_one_chain",
    defects.FinalAboveTheHead: "test_head_and_final_block_are_of_one_chain",
    defects.FinalAtOnce: "test_a_block_becomes_final_no_earlier_and_no_later_than_told",
    defects.HeaderFromTheFuture: "test_header_at_answers_the_chain_that_scan_reads",
    defects.BalancesOfTheLatestBlock: "test_balances_are_those_of_the_block_asked_for",
    defects.BalancesOfTheBlockBefore: "test_balances_are_those_of_the_newest_block",
    defects.CountsWhatWaits: "test_what_waits_is_in_no_balance_that_is_believed",
    defects.BalancesOfReplacedBlocks: "test_balances_of_a_replaced_block_are_not_to_be_had",
    defects.FinalOfAnotherMoment: "test_statuses_come_with_the_final_block_of_their_node",
    defects.UnknownMeansFailed: "test_a_transaction_that_nobody_knows_is_unknown_and_not_failed",
    defects.PendingMeansSucceeded: "test_a_transaction_is_pending_then_succeeded_in_its_block",
    defects.ForgetsTheFeeOfFailures: "test_a_failed_transaction_is_reverted_and_has_its_fee",
    defects.VerifiesNothing: "test_verify_finds_a_wrong_chain_and_wrong_decimals",
    defects.TakesSilenceForAnEmptyChain: "test_without_nodes_nothing_is_claimed",
    defects.AsksInsideATransaction: "test_a_node_is_never_asked_inside_a_database_transaction",
}


class OneAddressForAll(FakeAddresses):
    def derive(self, account_public_key: str, chain: int, index: int) -> str:
        return super().derive(account_public_key, chain, index // 2)


class DepositAndMasterAreOne(FakeAddresses):
    def derive(self, account_public_key: str, chain: int, index: int) -> str:
        return super().derive(account_public_key, 0 * chain, index)


class KeepsTheSpelling(FakeAddresses):
    def parse(self, text: str) -> str:
        super().parse(text)
        return text


class TrimsWhatIsWrong(FakeAddresses):
    def parse(self, text: str) -> str:
        return super().parse(text.strip())


class LabelIsNotQuoted(FakeAddresses):
    def payment_uri(self, request: Any) -> Any:
        uri = super().payment_uri(replace(request, label=""))
        return replace(uri, uri=uri.uri + request.label)


ADDRESS_DEFECTS = {
    OneAddressForAll: "test_derivation_is_deterministic_distinct_and_normalised",
    DepositAndMasterAreOne: "test_derivation_is_deterministic_distinct_and_normalised",
    KeepsTheSpelling: "test_parse_normalises_every_spelling",
    TrimsWhatIsWrong: "test_parse_refuses_what_is_no_address",
    LabelIsNotQuoted: "test_a_label_cannot_change_the_payment_uri",
}


@pytest.mark.parametrize(("defect", "check"), FOUND_BY.items(), ids=[each.__name__ for each in FOUND_BY])
def test_a_planted_defect_fails_its_check(defect: type[FakeChain], check: str) -> None:
    assert check in failing(lambda: FakeWorld(defect))


@pytest.mark.parametrize(
    ("defect", "check"), ADDRESS_DEFECTS.items(), ids=[each.__name__ for each in ADDRESS_DEFECTS]
)
def test_a_planted_address_defect_fails_its_check(defect: type[FakeAddresses], check: str) -> None:
    def world() -> FakeWorld:
        made = FakeWorld()
        made.network = replace(made.network, addresses=defect())
        return made

    assert check in failing(world)


def test_a_plugin_that_imports_a_chain_library_when_declared_fails_its_check() -> None:
    world = FakeWorld()
    world.plugin_module = "web3"
    with pytest.raises(AssertionError, match="declaring web3 imports"):
        ChainConformance().test_declaring_networks_imports_nothing_heavy(world)


def test_without_a_defect_no_check_fails() -> None:
    assert failing(FakeWorld) == {}


def failing(world: Callable[[], FakeWorld], *checks: str) -> dict[str, BaseException]:
    """Run checks, by default all, each on a fresh world, and answer those that fail, with what they said."""
    failing: dict[str, BaseException] = {}
    for name in checks or dir(ChainConformance):
        if name.startswith("test_") and name != _IMPORT_CHECK:
            try:
                getattr(ChainConformance(), name)(world())
            except pytest.skip.Exception:
                continue
            except (Exception, pytest.fail.Exception) as failure:  # noqa: BLE001  # whatever it raises, it failed
                failing[name] = failure
    return failing
