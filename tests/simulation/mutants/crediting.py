"""Defects of crediting: too early, not at all, or twice."""

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from cloudpay.chains.types import BlockRef
from cloudpay.ledger.payments import post_receipt, post_reversal
from cloudpay.payments import credit
from tests.simulation.mutants.planting import Patches, after_the_commit, mutant


@mutant
def credits_what_is_only_included() -> Patches:
    settle = credit.settle

    def at_once(session: Any, gateway: Any, network: Any, row: Any, head: Any, *rest: Any) -> None:
        if row.cursor_hash:
            head = replace(head, final=BlockRef(row.cursor_height, row.cursor_hash))
        settle(session, gateway, network, row, head, *rest)

    return {"cloudpay.payments.pages.settle": at_once, "cloudpay.payments.health.settle": at_once}


@mutant
def believes_any_final_block() -> Patches:
    return {"cloudpay.payments.credit.blocks.hash_at": lambda *_: None}


@mutant
def large_amounts_do_not_wait() -> Patches:
    return {"cloudpay.payments.credit.sure_enough": lambda *_: True}


@mutant
def forgets_to_book_the_reversal() -> Patches:
    return {"cloudpay.payments.credit.post_reversal": lambda *_: False}


@mutant
def forgets_to_book_every_seventh_receipt() -> Patches:
    seen = [0]

    def sometimes(*arguments: Any) -> bool:
        seen[0] += 1
        return seen[0] % 7 == 0 or post_receipt(*arguments)

    return {"cloudpay.payments.credit.post_receipt": sometimes}


@mutant
def books_after_the_commit() -> Patches:
    return after_the_commit("cloudpay.payments.credit.post_receipt", post_receipt)


@mutant
def pays_a_reversal_back_twice() -> Patches:
    def twice(session: Session, receipt: Any, now: Any) -> bool:
        post_reversal(session, replace(receipt, count=receipt.count + 1_000), now)
        return post_reversal(session, receipt, now)

    return {"cloudpay.payments.credit.post_reversal": twice}
