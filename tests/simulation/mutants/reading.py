"""Defects of reading the chain: what to believe, how to follow it, and which transfer is which."""

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from cloudpay.chains.types import BlockRef
from cloudpay.payments import credit, observe
from cloudpay.payments.models import PaymentRow
from cloudpay.payments.networks import network_row
from cloudpay.payments.pages import PageCommit
from cloudpay.payments.states import READABLE, NetworkStatus
from cloudpay.testing import FakeChain
from tests.simulation.mutants.planting import Patches, after_the_commit, mutant


@mutant
def takes_no_logs_for_an_empty_block() -> Patches:
    lie = FakeChain.lie_empty_logs
    return {"cloudpay.testing.FakeChain.lie_empty_logs": lambda self: lie(self, noticed=False)}


@mutant
def believes_unlinked_pages() -> Patches:
    return {"cloudpay.payments.watcher.check_links": lambda *_: None}


@mutant
def ignores_parent_hashes() -> Patches:
    def blocks_after(self: FakeChain, after: BlockRef | None, limit: int) -> Any:
        seen = self._ledger.blocks[: self._visible() + 1]
        return seen[-1:] if after is None else seen[after.height + 1 :][:limit]

    return {"cloudpay.testing.FakeChain._blocks_after": blocks_after}


@mutant
def leaves_orphans_standing() -> Patches:
    return {"cloudpay.payments.pages.orphan_above": lambda *_: []}


@mutant
def moves_the_cursor_in_a_commit_of_its_own() -> Patches:
    return after_the_commit("cloudpay.payments.pages.observe", observe.observe)


@mutant
def is_not_fenced() -> Patches:
    def run(self: PageCommit, cursor: Any, after: Any, page: Any) -> bool:
        def work(session: Session) -> bool:
            row = network_row(session, self.network.code)
            if row.status not in READABLE:
                return False
            deep = after is not None and after != cursor and self._rewind(session, row, after)
            self._take_in(session, row, page)
            if row.status == NetworkStatus.ACTIVE:
                credit.settle(session, self.gateway, self.network, row, self.head)
            return not deep

        return self.gateway.db.run(work)

    return {"cloudpay.payments.pages.PageCommit.run": run}


@mutant
def does_not_pause_after_a_deep_reorganisation() -> Patches:
    return {"cloudpay.payments.pages.enter": lambda *_: None}


@mutant
def one_number_for_all_transfers_of_a_transaction() -> Patches:
    return {"cloudpay.payments.observe._numbered": lambda found: ((each, 0) for each in found)}


@mutant
def numbers_transfers_by_their_place_in_the_block() -> Patches:
    return {"cloudpay.payments.observe._numbered": lambda found: ((each, each.position) for each in found)}


@mutant
def keeps_the_first_amount() -> Patches:
    attach = observe._attach

    def keep(row: PaymentRow, transfer: Any, *rest: Any) -> bool:
        return attach(row, replace(transfer, amount=row.amount), *rest)

    return {"cloudpay.payments.observe._attach": keep}


@mutant
def credits_unlisted_tokens() -> Patches:
    def listed(*_: Any) -> bool:
        return True

    return {"cloudpay.testing.FakeChain._reports": listed}


@mutant
def adds_what_a_trace_shows_to_what_was_inferred() -> Patches:
    return {
        "cloudpay.payments.observe.take_from_inferred": lambda *_: False,
        "cloudpay.payments.observe.give_back_inferred": lambda *_: None,
    }


@mutant
def infers_without_looking_at_what_is_known() -> Patches:
    return {
        "cloudpay.payments.inferred.surpluses": lambda _session, _network, balances: {
            address: amount for address, amount in balances.amounts.items() if amount
        }
    }
