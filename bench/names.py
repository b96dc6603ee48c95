"""Every benchmark: what it measures and where it is."""

from typing import NamedTuple


class Entry(NamedTuple):
    """One benchmark: `function` of `module` takes a Scale and answers its figures."""

    what: str
    module: str
    function: str


BENCHMARKS = {
    "derivations": Entry("addresses derived per second on one core", "bench.derivations", "derivations"),
    "creations": Entry("invoices created per second over a socket, on SQLite", "bench.serving", "creations"),
    "creations-postgres": Entry(
        "the same on PostgreSQL with synchronous commit", "bench.serving", "creations_on_postgres"
    ),
    "reads": Entry("invoice states read per second over a socket, on SQLite", "bench.serving", "reads"),
    "reads-postgres": Entry("the same on PostgreSQL", "bench.serving", "reads_on_postgres"),
    "million": Entry(
        "what a million invoices in the table cost the next one, on SQLite", "bench.million", "million"
    ),
    "million-postgres": Entry("the same on PostgreSQL", "bench.million", "million_on_postgres"),
    "calls": Entry("RPC calls per poll with ever more open invoices", "bench.watching", "calls"),
    "calls-tron": Entry("the same on TRON", "bench.watching", "calls_tron"),
    "catch-up": Entry("sparse blocks read per second after a time offline", "bench.watching", "catch_up"),
    "settlement": Entry(
        "payments brought from block to webhook queue per second, on SQLite", "bench.settling", "settlement"
    ),
    "settlement-postgres": Entry(
        "the same on PostgreSQL with synchronous commit", "bench.settling", "settlement_on_postgres"
    ),
    "latency": Entry(
        "seconds from a block at the node to the webhook at the merchant, on SQLite",
        "bench.latency",
        "latency",
    ),
    "latency-postgres": Entry("the same on PostgreSQL", "bench.latency", "latency_on_postgres"),
    "payouts": Entry(
        "seconds from the POST of a hundred payouts until the node has them all, RPC calls for each, on SQLite",
        "bench.payouts",
        "payouts",
    ),
    "payouts-postgres": Entry("the same on PostgreSQL", "bench.payouts", "payouts_on_postgres"),
    "payouts-large": Entry(
        "a thousand and ten thousand payouts: seconds and peak memory, on SQLite", "bench.payouts", "large"
    ),
    "payouts-large-postgres": Entry("the same on PostgreSQL", "bench.payouts", "large_on_postgres"),
    "gas": Entry("gas of what is sent, beside the chain's own least", "bench.gas", "gas"),
    "gas-swept": Entry("gas of a swept token deposit, its top-up with it", "bench.gas", "swept"),
    "energy": Entry("energy and TRX of what is sent on TRON", "bench.energy", "energy"),
    "energy-swept": Entry(
        "energy and TRX of a swept token deposit on TRON, its top-up with it", "bench.energy", "swept"
    ),
    "start": Entry(
        "start of `cloudpay up` until ready, and its idle memory", "bench.starting", "gateway_start"
    ),
    "demo": Entry("start of `cloudpay demo` until ready", "bench.starting", "demo_start"),
    "matching": Entry(
        "a page of the chain held against the addresses that are ours", "bench.matching", "matching"
    ),
    "profile": Entry(
        "processor time of creating and of reading an invoice, and where it goes",
        "bench.profiling",
        "creation_profile",
    ),
}
