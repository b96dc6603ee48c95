"""Schemathesis against a running gateway: every phase, every check, round after round until enough was sent."""

import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from schemathesis import Config, engine
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from tests.api.house import House, Tenant
from tests.fuzz import rules

_SUCCESS = 2
_KNOWN = {
    "currency": ["ETH", "eth", "USDT"],
    "network": ["evm", "EVM", ""],
    "amount": ["1", "0.5", "20", "0.000001"],
}
"""Values that lead past the first checks, mixed in with what is made up."""


@dataclass
class Report:
    """What was sent, what came back, and what was wrong with it."""

    seeds: list[int] = field(default_factory=list)
    requests: int = 0
    by_route: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    good_by_route: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    @property
    def server_errors(self) -> int:
        """How many answers were 5xx."""
        return sum(count for status, count in self.by_status.items() if status >= 500)

    @property
    def clean(self) -> bool:
        """Say whether nothing was wrong."""
        return not (self.failures or self.errors or self.server_errors)

    def lines(self) -> list[str]:
        """Say it for people."""
        served = {route: count for route, count in self.by_route.most_common() if self.good_by_route[route]}
        routes = [
            f"  {count:7,}  {route} ({self.good_by_route[route]:,} with 2xx)"
            for route, count in served.items()
        ]
        routes.append(
            f"  {self.requests - sum(served.values()):7,}  with methods that the path does not take"
        )
        statuses = [f"  {count:7,}  {status}" for status, count in sorted(self.by_status.items())]
        checks = [f"  {count:7,}  {name}" for name, count in self.checks.most_common()]
        meant = [f"  {count:7,}  {code}" for code, count in sorted(rules.allowed.items())]
        wrong = [f"FAILURE {name}\n{text}" for name, text in self.failures.items()]
        return [
            f"{self.requests:,} requests, seeds {', '.join(map(str, self.seeds))}",
            *("by route:", *routes, "by status:", *statuses, "checks passed:", *checks),
            *(["well-formed requests refused for their meaning (422):", *meant] if meant else []),
            *wrong,
            *(f"ANSWER {each}" for each in self.refusals),
            *(f"ERROR {each}" for each in self.errors),
            f"{self.server_errors} answers of 5xx, {len(self.failures)} schema breaks, {len(self.errors)} errors",
        ]


def shoot(
    house: House,
    tenant: Tenant,
    *,
    wanted: int,
    examples: int,
    seed: int | None = None,
    change: Callable[[Any], None] = lambda _document: None,
) -> Report:
    """Send at least `wanted` requests, in rounds of `examples` for each operation; a seed repeats the first round.

    `change` alters the document that the gateway serves, to see that a broken promise is noticed.
    """
    report = Report()
    rules.allowed.clear()
    document = requests.get(f"{house.url}/api/openapi.json", timeout=30).json()
    change(document)
    while report.requests < wanted and not report.errors:
        report.seeds.append(seed if seed is not None else secrets.randbelow(2**32))
        seed = None
        _round(house, tenant, document, report, examples)
    return report


def _round(house: House, tenant: Tenant, document: Any, report: Report, examples: int) -> None:
    first = not report.requests
    config = Config.from_dict(
        {
            "seed": report.seeds[-1],
            "base-url": f"{house.url}/api",
            "headers": {"x-api-key": tenant.api_key},
            "continue-on-failure": True,
            # About the generator, not about the gateway: with few examples a seed may throw most of them away.
            "suppress-health-check": ["filter_too_much"],
            "request-timeout": 30.0,
            "dictionaries": {name: {"values": values} for name, values in _KNOWN.items()},
            "parameters": {
                f"{place}.{name}": {"dictionary": name, "probability": 0.6}
                for name in _KNOWN
                for place in ("body", "query")
                if name != "amount" or place == "body"
            },
            "generation": {"max-examples": examples, "database": "none"},
            "phases": {
                "examples": {"enabled": first},
                "coverage": {"enabled": first},  # the same in every round
                "stateful": {"generation": {"max-examples": examples}},
            },
        }
    )
    schema = schemathesis.openapi.from_dict(document, config=config)
    for event in engine.from_schema(schema).execute():
        if isinstance(event, ScenarioFinished):
            _count(report, event.recorder)
        elif isinstance(event, FatalError):
            report.errors.append(repr(event.exception))
        elif isinstance(event, NonFatalError):
            report.errors.append(f"{event.label}: {event.value!r}")


def _count(report: Report, recorder: Any) -> None:
    for case_id, interaction in recorder.interactions.items():
        report.requests += 1
        if interaction.response is None:
            report.errors.append(f"no answer to {interaction.request.method} {interaction.request.uri[:300]}")
            continue
        status = interaction.response.status_code
        route = f"{interaction.request.method} {recorder.cases[case_id].value.operation.path}"
        report.by_status[status] += 1
        if status >= 500:
            report.refusals.append(
                f"{status} {interaction.request.uri[:300]} {interaction.response.text[:600]}"
            )
        report.by_route[route] += 1
        report.good_by_route[route] += status // 100 == _SUCCESS
    for nodes in recorder.checks.values():
        for node in nodes:
            if node.failure_info is None:
                report.checks[node.name] += 1
                continue
            failure = node.failure_info.failure
            told = f"{failure.message}\n{node.failure_info.code_sample}"
            report.failures.setdefault(f"{node.name}: {failure.title}, {failure.operation}", told[:3000])
