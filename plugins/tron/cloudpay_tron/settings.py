"""What the table of a TRON network may hold beside what every network has."""

from typing import Annotated

from msgspec import Meta

from cloudpay.chains.settings import NetworkSettings

_DECIMAL = r"^[0-9]{1,9}(\.[0-9]{1,6})?$"


class TronSettings(NetworkSettings, frozen=True, kw_only=True):
    """One TRON network."""

    fee_cap: Annotated[
        str,
        Meta(
            description="Largest fee of one transaction that this gateway signs, in TRX, as a decimal string; what "
            "costs more waits."
        ),
    ] = "100"  # a token's transfer may burn 66 at `max_energy_sun`
    genesis: Annotated[
        str,
        Meta(
            pattern="^[0-9a-f]{64}$",
            description="Id of block 0, 64 hexadecimal digits; a node with another one is refused.",
        ),
    ]
    api_key: Annotated[
        str,
        Meta(
            description="Key of your own at the provider of the nodes, sent in `api_key_header`: where `rpc_urls` "
            "names several hosts, to those of trongrid.io alone. Never over plain http, but to this machine. "
            "Empty: none."
        ),
    ] = ""
    api_key_header: Annotated[
        str, Meta(pattern="^[A-Za-z0-9-]{1,64}$", description="Header that `api_key` is sent in.")
    ] = "TRON-PRO-API-KEY"
    timeout_seconds: Annotated[
        float, Meta(gt=0, le=120, description="Longest time that a node may take for one HTTP request.")
    ] = 10.0
    internal_transfers: Annotated[
        bool,
        Meta(
            description="Find TRX that contracts send in the nodes' internal transactions (java-tron: "
            "`vm.saveInternalTx = true`); false leaves it to comparing balances."
        ),
    ] = True
    expires_after_seconds: Annotated[
        int,
        Meta(
            ge=60,
            le=43_200,
            description="Seconds after which a transaction that is in no block has expired, and is signed anew.",
        ),
    ] = 600
    energy_margin_percent: Annotated[
        int,
        Meta(
            ge=0,
            le=200,
            description="What `fee_limit` allows beyond the energy that a trial took, in percent.",
        ),
    ] = 20
    token_energy: Annotated[
        int,
        Meta(
            ge=1_000,
            le=10_000_000,
            description="Energy that the fee of a token's transfer is quoted by: what one to an address without that "
            "token takes.",
        ),
    ] = 131_000
    max_energy_sun: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Most sun for a unit of energy; while the chain asks more, nothing is sent.",
        ),
    ] = 420
    max_bandwidth_sun: Annotated[
        int,
        Meta(
            ge=1, le=100_000, description="Most sun for a byte; while the chain asks more, nothing is sent."
        ),
    ] = 1_000
    max_activation: Annotated[
        str,
        Meta(
            pattern=_DECIMAL,
            description="Most TRX that a transfer to an address without an account costs, as a decimal string.",
        ),
    ] = "1.1"
    max_in_flight: Annotated[
        int, Meta(ge=1, le=10_000, description="Unconfirmed transactions that one address may have.")
    ] = 100
