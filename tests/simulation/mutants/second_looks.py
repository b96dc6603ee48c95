"""Defects of second looks: readings, opinions, and balances for which there was no room or that say too much."""

from typing import Any

from cloudpay.chains.adapter import Opinion
from cloudpay.payments.balances import BalanceLook
from cloudpay.payments.opinions import LargeCredits
from cloudpay.payments.pages import PageCommit
from tests.simulation.mutants.planting import Patches, mutant


@mutant
def reads_nothing_a_second_time() -> Patches:
    return {"cloudpay.payments.again.SecondReader.turn": lambda *_, **__: None}


@mutant
def asks_the_same_node_again() -> Patches:
    return {"cloudpay.payments.again.blocks.tellers": lambda *_: frozenset()}


@mutant
def believes_a_second_reading_that_leaves_out_what_is_known() -> Patches:
    return {"cloudpay.payments.omissions._hidden": lambda *_: set()}


@mutant
def takes_in_nothing_of_the_second_reading() -> Patches:
    return {"cloudpay.payments.omissions.observe": lambda *_: None}


@mutant
def numbers_what_was_left_out_as_it_is_told() -> Patches:
    def as_told(_session: Any, _network: Any, found: Any) -> list[Any]:
        return list(found)

    return {
        "cloudpay.payments.omissions.numbered_as_known": as_told,
        "cloudpay.payments.rescan.numbered_as_known": as_told,
    }


@mutant
def keeps_the_place_of_the_second_reading_over_a_reorganisation() -> Patches:
    rewind = PageCommit._rewind

    def kept(self: PageCommit, session: Any, row: Any, to: Any) -> bool:
        place = row.reread_height
        deep = rewind(self, session, row, to)
        row.reread_height = place
        return deep

    return {"cloudpay.payments.pages.PageCommit._rewind": kept}


@mutant
def credits_large_amounts_whatever_a_second_node_says() -> Patches:
    return {"cloudpay.payments.opinions.LargeCredits.confirmed": lambda *_: None}


@mutant
def takes_silence_for_agreement() -> Patches:
    def confirmed(self: LargeCredits, head: Any) -> Any:
        wanted = self._blocks(head.final.height)
        said = self._adapter.second_opinions(wanted)  # type: ignore[attr-defined]
        return frozenset(block for block, opinion in said.items() if opinion is not Opinion.DISPUTED)

    return {"cloudpay.payments.opinions.LargeCredits.confirmed": confirmed}


@mutant
def forgets_whose_balance_it_had_no_room_for() -> Patches:
    look = BalanceLook._look

    def all_seen(self: BalanceLook, *arguments: Any) -> None:
        look(self, *arguments)

    return {"cloudpay.payments.balances.BalanceLook._look": all_seen}


@mutant
def believes_balances_that_hold_what_waits() -> Patches:
    return {"cloudpay.payments.balances.believed": lambda *asked: asked[3]}
