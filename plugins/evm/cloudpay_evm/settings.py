"""What the table of an EVM network may hold beside what every network has."""

from typing import Annotated, Literal

from msgspec import Meta

from cloudpay.chains.settings import NetworkSettings

GWEI = r"^([0-9]{1,9}(\.[0-9]{1,9})?)?$"


class EvmSettings(NetworkSettings, frozen=True, kw_only=True):
    """One EVM network."""

    chain_id: Annotated[
        int, Meta(ge=1, description="Chain id (EIP-155); a node on another chain is refused.")
    ]
    watch_native: Annotated[
        bool,
        Meta(
            description="Look for payments in the native coin; false reads no full blocks, which is far cheaper where "
            "only tokens are sold for."
        ),
    ] = True
    traces: Annotated[
        Literal["auto", "on", "off"],
        Meta(
            description="Find native coins that contracts send by traces: `auto` when every node can, `on` needs it, "
            "`off` leaves it to comparing balances."
        ),
    ] = "auto"
    logs_range: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Blocks that one eth_getLogs asks for at first; halved when a node refuses.",
        ),
    ] = 500
    blooms: Annotated[
        bool,
        Meta(
            description="Hold an empty answer against the blocks' logsBloom; false for the rare chain whose headers "
            "carry no true one."
        ),
    ] = True
    batch_size: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000,
            description="Calls in one HTTP request at first; halved, by kind of call, when a node refuses, fails or "
            "takes too long.",
        ),
    ] = 20
    timeout_seconds: Annotated[
        float, Meta(gt=0, le=120, description="Longest time that a node may take for one HTTP request.")
    ] = 10.0
    transactions: Annotated[
        Literal["eip1559", "legacy"],
        Meta(
            description="Kind of transactions that are sent: `eip1559` (type 2), or `legacy` for the rare chain that "
            "takes no others."
        ),
    ] = "eip1559"
    min_tip_gwei: Annotated[
        str,
        Meta(
            pattern=GWEI,
            description="Least tip for each gas (with `legacy`: least price) that is offered, in gwei as a decimal "
            "string.",
        ),
    ] = "0.001"
    max_fee_gwei: Annotated[
        str,
        Meta(
            pattern=GWEI,
            description="Most that is offered for each gas, in gwei as a decimal string; what is to be sent waits "
            "while the chain asks more. Empty: no bound but that of the whole fee.",
        ),
    ] = ""
    fee_margin_gwei: Annotated[
        str,
        Meta(
            pattern=GWEI,
            description="What a transaction may cost beside its gas, in gwei as a decimal string: the data fee of "
            "chains over Ethereum, which no transaction can bound.",
        ),
    ] = ""
    native_gas: Annotated[
        int,
        Meta(
            ge=21_000,
            le=30_000_000,
            description="Gas that the fee of a native transfer is quoted by; more only where a chain counts otherwise, "
            "as Arbitrum does.",
        ),
    ] = 21_000
    token_gas: Annotated[
        int,
        Meta(
            ge=21_000,
            le=30_000_000,
            description="Gas that the fee of a token's transfer is quoted by, and a quarter more, until one was "
            "estimated.",
        ),
    ] = 65_000
    in_flight: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Unconfirmed transactions that one address may have; nodes are sure to keep 16 (geth's account "
            "slots).",
        ),
    ] = 16
