"""What the table of an EVM network may hold beside what every network has."""

from typing import Annotated, Literal

from msgspec import Meta

from cloudpay.chains.settings import NetworkSettings


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
        Meta(ge=1, le=1_000, description="Calls in one HTTP request at first; halved when a node refuses."),
    ] = 20
    timeout_seconds: Annotated[
        float, Meta(gt=0, le=120, description="Longest time that a node may take for one HTTP request.")
    ] = 10.0
