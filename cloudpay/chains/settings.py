"""What every network's table in the settings has, whatever its chain; a plugin adds its own keys by subclass."""

from typing import Annotated

import msgspec
from msgspec import Meta

from cloudpay.chains.types import Finality
from cloudpay.kernel.sections import Section


class AssetSettings(Section, frozen=True, kw_only=True):
    """One asset of a network; the native coin has no contract."""

    contract: Annotated[str | None, Meta(description="Token contract; left out for the native coin.")] = None
    decimals: Annotated[int, Meta(ge=0, le=36, description="Decimals; must equal what the chain says.")]
    display_decimals: Annotated[
        int, Meta(ge=0, le=18, description="Decimals that a converted price is rounded up to.")
    ] = 6
    large_amount: Annotated[
        str,
        Meta(
            description="Amount from which `large_confirmations` hold and, where several nodes are named, two of them "
            "must have the payment's block, as a decimal string; empty: never. A payment is judged by all that its "
            "invoice has received in this asset, so that paying in parts passes nothing by."
        ),
    ] = ""
    wraps: Annotated[
        str | None,
        Meta(
            description="Symbol that this token stands for when a request names no network, as WBTC for BTC."
        ),
    ] = None
    verify_balance: Annotated[
        bool,
        Meta(
            description="Hold a token's payments against the address's balance before they are credited, and credit "
            "what arrived: for tokens that take a fee or change balances, and whose logs may say more."
        ),
    ] = False
    sweep_minimum: Annotated[
        str,
        Meta(
            description="Least amount that is collected from a deposit address, as a decimal string; empty: its fee "
            "alone decides. An asset without a rate is collected only from its minimum on."
        ),
    ] = ""
    cold_above: Annotated[
        str,
        Meta(
            description="Amount above which what is free in a master wallet goes on to `cold_address`, as a decimal "
            "string; empty: it stays."
        ),
    ] = ""
    source: Annotated[str, Meta(description="Where contract and decimals were read.")] = ""


class NetworkSettings(Section, frozen=True, kw_only=True):
    """One network."""

    family: Annotated[
        str,
        Meta(
            description="The plugin's network whose code serves this one; left out for shipped networks. With it "
            "nothing shipped is laid under the table, also under a shipped network's code: a local chain may be `evm`."
        ),
    ] = ""
    name: Annotated[str, Meta(description="Name for people.")] = ""
    live: Annotated[bool, Meta(description="Whether its money is real; false for test nets.")] = True
    rpc_urls: Annotated[tuple[str, ...], Meta(description="Nodes, best first; several give failover.")] = ()
    finality: Annotated[Finality, Meta(description="How finality is told: `tag`, `solid` or `depth`.")] = (
        Finality.DEPTH
    )
    confirmations: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Blocks, the payment's own included, after which it is final (with `depth`).",
        ),
    ] = 12
    large_confirmations: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="Blocks that an amount of `large_amount` or more waits for; 0: as others.",
        ),
    ] = 0
    block_seconds: Annotated[float, Meta(gt=0, description="Usual seconds between blocks.")] = 12.0
    poll_seconds: Annotated[
        float,
        Meta(gt=0, description="Seconds between two looks at the chain at most, and while no block is due."),
    ] = 3.0
    notice_seconds: Annotated[
        float,
        Meta(
            ge=0,
            description="Seconds between two looks while a block is due, each one call where nothing is new; "
            "0: a quarter of `block_seconds`, from 0.25 to 1.",
        ),
    ] = 0.0
    stalled_after_seconds: Annotated[
        int, Meta(ge=5, description="Head older than this: the network is stalled and takes no new invoices.")
    ] = 300
    scan_limit: Annotated[int, Meta(ge=1, le=10_000, description="Blocks in one page at most.")] = 100
    second_reading_blocks: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="Final blocks after which their token transfers are read a second time, every two minutes at "
            "most and by another node where there is one; 0: never.",
        ),
    ] = 64
    fee_cap: Annotated[
        str,
        Meta(
            description="Largest fee of one transaction that this gateway signs, in the native coin, as a decimal "
            "string; what costs more waits."
        ),
    ] = "0.05"
    bump_after_seconds: Annotated[
        int,
        Meta(
            ge=5,
            description="Seconds that a transaction of ours may wait for a block until it is signed again with a "
            "higher fee, where the chain can replace one.",
        ),
    ] = 90
    sweep: Annotated[
        bool, Meta(description="Collect from deposit addresses of this network, as `[sweeps]` says.")
    ] = True
    gas_low_water: Annotated[
        str,
        Meta(
            description="Native coins at a gas station below which an alert says that top-ups will soon lack them, "
            "as a decimal string; empty: what twenty top-ups cost now."
        ),
    ] = ""
    cold_address: Annotated[
        str,
        Meta(description="Address that surplus of the master wallets goes to, by `cold_above`; empty: none."),
    ] = ""
    native: Annotated[str, Meta(description="Symbol of the native coin; it must be among the assets.")] = ""
    assets: Annotated[
        dict[str, AssetSettings],
        Meta(description="Listed assets by symbol; `false` leaves out a shipped one."),
    ] = msgspec.field(default_factory=dict)
