"""`cloudpay reconcile`: the ledger held against the chain, to the base unit."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from cloudpay.chains.errors import UnknownNetwork
from cloudpay.chains.gateway import Gateway
from cloudpay.chains.network import Network
from cloudpay.cli import fail
from cloudpay.cli.output import json_option, show_rows
from cloudpay.cli.session import actor, gateway_of
from cloudpay.kernel.errors import Unavailable
from cloudpay.kernel.money import format_amount
from cloudpay.kernel.text import shown
from cloudpay.reconciliation.compare import Comparison
from cloudpay.reconciliation.correcting import book_drifts
from cloudpay.reconciliation.errors import NotComparable
from cloudpay.reconciliation.keeping import keep, keep_failure
from cloudpay.reconciliation.service import Patience, Reconciliation
from cloudpay.reconciliation.service import reconcile as compare

DRIFT_EXIT, UNKNOWN_EXIT = 1, 3

_COLUMNS = ("network", "wallet", "merchant", "asset", "ledger", "pending", "doubtful", "chain", "drift")


@click.command()
@click.argument("network", required=False)
@click.option(
    "--book",
    metavar="REASON",
    help="Book every drift of NETWORK as come from outside, or gone there: you can explain it, and no rescan finds it. "
    "The audit log keeps the reason.",
)
@json_option
@click.pass_context
def reconcile(ctx: click.Context, network: str | None, book: str | None, as_json: bool) -> None:
    """Hold the ledger against the chain, on one network or on all of them.

    Both are taken at one final block that the watcher has read. `ledger` is what is booked; `pending` what the chain
    has moved by that block and is rightly not booked yet, as a payout that is not final by the books; `doubtful` what
    may or may not have been moved by then; `chain` what lies there; `drift` what nothing explains. What differs is
    looked at again before it is said to. Drifts open alerts, and those that are gone are cleared.

    Ends with 0 where all agree, with 1 where there is a drift, with 3 where a network could not be compared.

    \b
    Examples:
      cloudpay reconcile
      cloudpay reconcile evm --json
      cloudpay reconcile evm --book "fee of 0x9f…, which I signed by hand"
    """
    if book is not None and (network is None or not book.strip()):
        raise click.UsageError(
            "--book needs one NETWORK, and a reason that somebody will understand later.", ctx
        )
    try:
        found, unknown, rows = _compare(ctx, network, book)
    except UnknownNetwork as error:
        raise click.BadParameter(error.message, ctx, param_hint="NETWORK") from error
    except Unavailable as error:  # the database: nobody knows, which is no drift
        fail(error.message, UNKNOWN_EXIT)
    show_rows(rows, _COLUMNS, as_json=as_json, empty="Nothing is booked, and nothing lies there.")
    for each in found:
        _say(each)
    for reason in unknown:
        click.echo(shown(reason), err=True)
    if any(each.drifts for each in found):
        sys.exit(DRIFT_EXIT)
    if unknown:
        sys.exit(UNKNOWN_EXIT)


def _compare(
    ctx: click.Context, network: str | None, book: str | None
) -> tuple[list[Reconciliation], list[str], list[dict[str, object]]]:
    """Compare one network, or all; answer what was found, why others are not known, and the rows to show."""
    found: list[Reconciliation] = []
    unknown: list[str] = []
    with gateway_of(ctx) as gateway:
        codes = [gateway.chains.network(network).code] if network else [each.code for each in gateway.chains]
        for code in codes:
            try:
                with _progress(code) as patience:
                    found.append(compare(gateway, code, patience))
                if book is not None and found[-1].drifts:
                    _book(gateway, found[-1], book)
                    found[-1] = compare(gateway, code)
            except NotComparable as error:
                keep_failure(gateway, error)
                unknown.append(error.message)
            else:
                keep(gateway, found[-1])
        return found, unknown, [row for each in found for row in _rows(gateway, each)]


def _book(gateway: Gateway, found: Reconciliation, reason: str) -> None:
    left = book_drifts(gateway, found, reason, actor=actor())
    network = gateway.chains.network(found.network)
    for each in found.drifts:
        row = _row(network, each)
        told, why = ("Not booked", f" {left[each.pot]}") if each.pot in left else ("Booked", "")
        click.echo(
            f"{told}: {row['drift']} {row['asset']} of {row['wallet']}, {row['merchant']}.{why}", err=True
        )


def _say(found: Reconciliation) -> None:
    """Say how one network stands, apart from what a program reads."""
    if found.note:
        click.echo(f"{found.network}: {shown(found.note)}", err=True)
    drifts = len(found.drifts)
    told = f"{drifts} of {len(found.pots)} differ" if drifts else "ledger and chain agree to the base unit"
    click.echo(f"{found.network} at block {found.height}: {told}.", err=True)


@contextmanager
def _progress(code: str) -> Iterator[Patience]:
    """Show on a terminal how far the asking has come."""
    with click.progressbar(length=0, label=code, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def told(part: int, whole: int) -> None:
            bar.length = whole
            bar.update(part)

        yield Patience(told=told)


def _rows(gateway: Gateway, found: Reconciliation) -> Iterator[dict[str, object]]:
    network = gateway.chains.network(found.network)
    for each in found.pots:
        if each.ledger or each.pending or each.doubtful or each.chain:
            yield {"height": found.height, **_row(network, each)}


def _row(network: Network, line: Comparison) -> dict[str, object]:
    pot = line.pot
    symbol, decimals = network.unit_of(pot.asset)
    amounts = {
        name: _signed(getattr(line, name), decimals)
        for name in ("ledger", "pending", "doubtful", "chain", "drift")
    }
    return {
        "network": network.code,
        "wallet": pot.place.value,
        "merchant": pot.merchant_id,
        "livemode": pot.livemode,
        "asset": symbol,
        "contract": pot.asset or None,
        **amounts,
        "drift_base_units": str(line.drift),
    }


def _signed(units: int, decimals: int) -> str:
    return ("-" if units < 0 else "") + format_amount(abs(units), decimals)
