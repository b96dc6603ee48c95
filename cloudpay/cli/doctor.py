"""`cloudpay doctor`: what is wrong, and what to do about it."""

import json
import sys

import click

from cloudpay.app.doctor import examine
from cloudpay.cli.output import json_option, to_plain
from cloudpay.cli.settings import settings_of
from cloudpay.kernel.text import shown

_SIGNS = {True: ("ok  ", "green"), False: ("FIX ", "red"), None: ("note", "yellow")}


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check settings, keys, database, Redis, wallet, and every node: chain id, decimals, head, needed methods.

    Ends with code 1 when something has to be fixed.

    \b
    Examples:
      cloudpay doctor
      cloudpay doctor --json
    """
    findings = []
    for finding in examine(settings_of(ctx)):
        findings.append(finding)
        if not as_json:
            sign, colour = _SIGNS[finding.ok]
            click.echo(f"{click.style(sign, fg=colour)}  {finding.subject}: {shown(finding.says)}")
    wrong = sum(finding.ok is False for finding in findings)
    if as_json:
        click.echo(json.dumps(to_plain(findings), indent=2, ensure_ascii=False))
    else:
        click.echo(f"\n{wrong} to fix." if wrong else "\nAll is well.")
    sys.exit(1 if wrong else 0)
