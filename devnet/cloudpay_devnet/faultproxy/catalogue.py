"""The faults by name, for those who switch them from outside."""

import dataclasses
from collections.abc import Mapping
from typing import Any, cast

from cloudpay_devnet.errors import DevnetError
from cloudpay_devnet.faultproxy.faults import (
    answers,
    forks,
    headers,
    heads,
    limits,
    logs,
    sending,
    transactions,
)
from cloudpay_devnet.faultproxy.values import Fault

FAULTS: Mapping[str, type[Fault]] = {
    kind.name: kind
    for kind in (
        answers.TooManyRequests,
        answers.ServiceUnavailable,
        answers.RateLimited,
        answers.HtmlPage,
        answers.CutJson,
        answers.ClosedConnections,
        answers.Latency,
        limits.RangeLimit,
        limits.NoTraces,
        logs.EmptyLogs,
        logs.CutLogs,
        logs.LostLogs,
        logs.RemovedLogs,
        heads.StaleHead,
        heads.FrozenHead,
        heads.BackwardsHead,
        heads.FrozenFinality,
        forks.OtherFork,
        forks.WrongChainId,
        forks.WrongGenesis,
        headers.ProofOfAuthority,
        transactions.MissingReceipts,
        transactions.ReturningTransactions,
        sending.LostAnswers,
        sending.SwallowedTransactions,
        sending.RefusedTransactions,
    )
}


class UnknownFault(DevnetError):
    """There is no such fault, or it has no such option."""

    code = "unknown_fault"


def make_fault(name: str, options: Mapping[str, Any]) -> Fault:
    """Make a fault from its name and its options as text or as JSON; raises `UnknownFault`."""
    if name not in FAULTS:
        raise UnknownFault(f"There is no fault {name!r}; choose one of {', '.join(FAULTS)}.")
    known = option_defaults(FAULTS[name])
    if strange := sorted(set(options) - set(known)):
        choice = ", ".join(known) or "none"
        raise UnknownFault(f"The fault {name} has no option {strange[0]!r}; it has {choice}.")
    try:
        read = {key: _read(value, known[key]) for key, value in options.items()}
    except ValueError as error:
        raise UnknownFault(f"The fault {name} cannot be made: {error}.") from error
    if read.get("provider", "llama") not in limits.WORDS:
        raise UnknownFault(f"There are words of {', '.join(limits.WORDS)}; not of {read['provider']!r}.")
    return FAULTS[name](**read)


def option_defaults(kind: type[Fault]) -> Mapping[str, Any]:
    """Answer the options of a fault with their defaults."""
    fields = dataclasses.fields(cast("Any", kind))
    return {each.name: each.default for each in fields}


def _read(value: Any, default: Any) -> Any:
    if isinstance(default, bool):
        if str(value).lower() not in ("true", "false", "1", "0"):
            raise ValueError(f"{value!r} is neither true nor false")
        return str(value).lower() in ("true", "1")
    return type(default)(value)
