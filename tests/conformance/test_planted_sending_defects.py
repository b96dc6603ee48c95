"""The suite finds what is wrong with sending: each planted defect fails the check that is named here."""

import pytest

from cloudpay.testing import FakeChain
from cloudpay.testing.conformance.draft_checks import DraftChecks
from cloudpay.testing.conformance.replace_checks import ReplaceChecks
from cloudpay.testing.conformance.send_checks import SendChecks
from cloudpay.testing.fakeworld import FakeWorld
from tests.conformance import drafting_defects as drafting
from tests.conformance import sending_defects as sending
from tests.conformance.test_planted_defects import failing

FOUND_BY = {
    drafting.DraftsASpendTwice: "test_every_spend_is_drafted_once_and_names_its_claims",
    drafting.ForgetsASpend: "test_every_spend_is_drafted_once_and_names_its_claims",
    drafting.NamesNoClaims: "test_every_spend_is_drafted_once_and_names_its_claims",
    drafting.SharesAClaim: "test_two_transactions_of_one_source_share_no_claim",
    drafting.UsesTakenClaims: "test_claims_that_are_taken_are_not_used",
    drafting.RemembersWhatItHasDrafted: "test_claims_that_are_taken_are_not_used",
    drafting.PaysMoreThanWasAsked: "test_unsigned_bytes_do_what_was_asked_and_no_more",
    drafting.PaysTheCoinForTheToken: "test_unsigned_bytes_do_what_was_asked_and_no_more",
    drafting.ExplainsNoPayee: "test_unsigned_bytes_do_what_was_asked_and_no_more",
    drafting.HidesACommission: "test_unsigned_bytes_do_what_was_asked_and_no_more",
    drafting.SignsSomethingElse: "test_signed_bytes_do_what_was_asked_and_no_more",
    drafting.SignsForAHigherFee: "test_signed_bytes_do_what_was_asked_and_no_more",
    drafting.ExplainsAnything: "test_bytes_of_another_kind_are_not_explained",
    drafting.ExplainsWhatTrailsBehind: "test_bytes_of_another_kind_are_not_explained",
    drafting.IgnoresTheFeeCap: "test_nothing_is_drafted_above_the_fee_cap",
    drafting.DraftsNothingUnderACap: "test_nothing_is_drafted_above_the_fee_cap",
    drafting.SignsADifferentTransactionEachTime: (
        "test_signing_again_gives_the_same_bytes_and_the_chain_knows_them_by_their_id"
    ),
    drafting.KnowsItByTheUnsignedBytes: (
        "test_signing_again_gives_the_same_bytes_and_the_chain_knows_them_by_their_id"
    ),
    drafting.QuotesNoTokens: "test_a_transfer_costs_no_more_than_it_was_quoted",
    drafting.QuotesTooLittle: "test_a_transfer_costs_no_more_than_it_was_quoted",
    drafting.QuotesTheSlowDearer: "test_a_transfer_costs_no_more_than_it_was_quoted",
    sending.TellsAnotherFee: "test_a_sent_spend_moves_exactly_its_amount_and_costs_the_fee_that_is_told",
    sending.TakesTheFeeFromTheAmount: "test_a_sent_token_moves_exactly_its_amount_and_costs_the_fee_that_is_told",
    sending.RaisesForWhatIsKnown: "test_broadcasting_the_same_bytes_again_pays_once",
    sending.TakesKnownForRejected: "test_broadcasting_the_same_bytes_again_pays_once",
    sending.AnswersInAnyOrder: "test_each_of_many_bytes_has_its_own_answer_in_order",
    sending.StopsAtTheFirstRejection: "test_each_of_many_bytes_has_its_own_answer_in_order",
    sending.TakesAnySignature: "test_what_another_key_signed_moves_nothing",
    sending.ConsumedAtTheHead: "test_claims_are_consumed_when_their_transaction_is_final_and_no_earlier",
    sending.ConsumedNever: "test_claims_are_consumed_when_their_transaction_is_final_and_no_earlier",
    sending.ConsumedWhateverIsAsked: "test_claims_are_consumed_when_their_transaction_is_final_and_no_earlier",
    sending.PromisesAWiderWindow: "test_as_many_transactions_of_one_address_wait_as_the_chain_says",
    sending.ForgetsASource: "test_as_many_transactions_of_one_address_wait_as_the_chain_says",
    sending.CallsARevertASuccess: "test_a_spend_that_would_be_reverted_is_refused_or_reverted",
    sending.RefusesAllForOne: "test_a_spend_that_would_be_reverted_is_refused_or_reverted",
    sending.NeedsTooLittle: "test_what_a_spend_lacks_is_named_and_is_enough",
    sending.NeedsAnewEachTime: "test_what_a_spend_lacks_is_named_and_is_enough",
    sending.ReplacesUnderAnotherClaim: "test_a_replacement_keeps_every_claim_and_pays_more_for_the_same",
    sending.ReplacesForTheSamePrice: "test_a_replacement_keeps_every_claim_and_pays_more_for_the_same",
    sending.ReplacesInWordsAlone: "test_of_a_transaction_and_its_replacement_exactly_one_is_included",
    sending.ReplacesWhatIsIncluded: "test_what_a_block_has_included_is_not_replaced",
    sending.RemembersWhatItHasSent: "test_the_same_bytes_pay_once_after_a_reorganisation",
    sending.RaisesWithoutNodes: "test_without_nodes_a_broadcast_is_unknown_and_nothing_is_drafted",
    sending.TakesSilenceForRejection: "test_without_nodes_a_broadcast_is_unknown_and_nothing_is_drafted",
    sending.ConsumesNothingWithoutNodes: "test_without_nodes_a_broadcast_is_unknown_and_nothing_is_drafted",
    sending.SendsInsideATransaction: "test_nothing_is_drafted_or_sent_inside_a_database_transaction",
    sending.SendsAndDoesNotSaySo: "test_an_adapter_sends_where_its_definition_says_so",
    sending.HidesWhatItSends: "test_what_was_sent_is_read_as_a_transfer_of_ours",
}


@pytest.mark.parametrize(("defect", "check"), FOUND_BY.items(), ids=[each.__name__ for each in FOUND_BY])
def test_a_planted_defect_of_sending_fails_its_check(defect: type[FakeChain], check: str) -> None:
    assert check in failing(lambda: FakeWorld(defect), check)


def test_every_check_of_sending_finds_a_defect() -> None:
    checks = {
        name
        for part in (DraftChecks, SendChecks, ReplaceChecks)
        for name in vars(part)
        if name.startswith("test_")
    }
    assert checks == set(FOUND_BY.values())
