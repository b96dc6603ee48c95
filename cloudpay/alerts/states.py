"""What there is to be alarmed about: each kind with how bad it is and what to do. A new kind is a line in both."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How soon somebody should look."""

    CRITICAL = "critical"  # now: money waits, or is in doubt
    WARNING = "warning"  # today: it works, but with less in reserve
    INFO = "info"  # good to know; it passes by itself


class AlertKind(StrEnum):
    """What is the matter. The subject of the first four is a network, of `node_…` a network and a node.

    Of the two about tokens it is a network and a symbol.
    """

    NETWORK_STALLED = "network_stalled"
    NETWORK_PAUSED = "network_paused"
    FINALITY_FROZEN = "finality_frozen"
    CATCHING_UP = "catching_up"
    NETWORK_UNWATCHED = "network_unwatched"
    NODE_DOWN = "node_down"
    NODE_WRONG_CHAIN = "node_wrong_chain"
    NODES_DISAGREE = "nodes_disagree"
    NODE_LEFT_OUT_LOGS = "node_left_out_logs"
    SENDING_FROZEN = "sending_frozen"
    SENDING_HELD = "sending_held"
    JOURNAL_FAILING = "journal_failing"
    BALANCES_UNKNOWN = "balances_unknown"
    BALANCE_LOOK_FAILING = "balance_look_failing"
    LESS_ARRIVED = "less_arrived"
    TOKEN_STUCK = "token_stuck"  # noqa: S105  # no password
    OUTSIDE_SPEND = "outside_spend"
    LEDGER_DIFFERS = "ledger_differs"
    DEPOSIT_DIFFERS = "deposit_differs"
    GAS_LOW = "gas_low"
    COLD_ADDRESS_OURS = "cold_address_ours"
    EVENT_FAILING = "event_failing"
    WEBHOOKS_FAILING = "webhooks_failing"


@dataclass(frozen=True)
class Meaning:
    """How bad a kind is, and what a person does about it; `{subject}` stands for what it is about."""

    severity: Severity
    advice: str


KINDS: Mapping[AlertKind, Meaning] = {
    AlertKind.NETWORK_STALLED: Meaning(
        Severity.CRITICAL,
        "Open invoices stay open and nothing is lost, but no new ones are taken on {subject} and nothing is credited. "
        "Look at `cloudpay chains` and at your nodes; name more nodes in rpc_urls when it does not pass.",
    ),
    AlertKind.NETWORK_PAUSED: Meaning(
        Severity.CRITICAL,
        "Nothing is credited on {subject} until a person has looked. Read the reason, compare the chain with a block "
        "explorer, then run `cloudpay chains resume {subject}`.",
    ),
    AlertKind.FINALITY_FROZEN: Meaning(
        Severity.CRITICAL,
        "Payments on {subject} are seen but not credited, which is right: they might be taken back. Look whether the "
        "chain itself has lost finality; if it has not, name other nodes in rpc_urls.",
    ),
    AlertKind.CATCHING_UP: Meaning(
        Severity.INFO,
        "Older blocks of {subject} are being read; payments in them are found on the way, and count as on time if they "
        "were. `cloudpay chains` shows how far it has come. There is nothing to do.",
    ),
    AlertKind.NETWORK_UNWATCHED: Meaning(
        Severity.CRITICAL,
        "Payments on {subject} are not seen while nobody watches it; they are found later. Start `cloudpay up`, or "
        "`cloudpay worker watch`, and read its log when it does not stay up.",
    ),
    AlertKind.NODE_DOWN: Meaning(
        Severity.WARNING,
        "The other nodes of the network are used meanwhile; with none left it stalls, and large amounts wait for a "
        "second node. Look at the node of {subject}, or name another in rpc_urls.",
    ),
    AlertKind.NODE_WRONG_CHAIN: Meaning(
        Severity.CRITICAL,
        "The node of {subject} is not used any more. Correct rpc_urls or chain_id, and restart the watcher.",
    ),
    AlertKind.NODES_DISAGREE: Meaning(
        Severity.CRITICAL,
        "One of the nodes of {subject} is on another fork, or lies. Amounts of `large_amount` or more are not credited "
        "until they agree. Compare the block with a block explorer, and take the node that is wrong out of rpc_urls.",
    ),
    AlertKind.NODE_LEFT_OUT_LOGS: Meaning(
        Severity.WARNING,
        "Another reading of the same blocks showed what it left out, so nothing is lost; but a payment may have been "
        "found late. Take the node of {subject} out of rpc_urls when that happens again; end this alert by hand.",
    ),
    AlertKind.SENDING_FROZEN: Meaning(
        Severity.CRITICAL,
        "No payout goes out meanwhile, and none is lost: what is queued waits. Read the reason, compare the master "
        "wallets with a block explorer, and run `cloudpay thaw` where the seal key lies when all is explained.",
    ),
    AlertKind.SENDING_HELD: Meaning(
        Severity.WARNING,
        "Payouts on {subject} wait that the signer does not sign as things stand. Raise what its limits file or "
        "`fee_cap` allows, or cancel them; they go out by themselves when it is allowed.",
    ),
    AlertKind.JOURNAL_FAILING: Meaning(
        Severity.CRITICAL,
        "What is signed on {subject} cannot be written down apart from the database, so nothing is broadcast. Make "
        "room on the disk of the data folder, and see that the worker `send` may write there.",
    ),
    AlertKind.BALANCES_UNKNOWN: Meaning(
        Severity.CRITICAL,
        "Tokens with verify_balance wait on {subject}, and nothing else; `cloudpay chains` counts the payments. As a "
        "rule a node keeps the state of the newest 128 blocks: where the final block lies deeper, name an archive "
        'node in rpc_urls, or set finality = "depth" with fewer than 128 confirmations.',
    ),
    AlertKind.BALANCE_LOOK_FAILING: Meaning(
        Severity.CRITICAL,
        "All other addresses go on; the invoice of {subject} stays open, also after its expiry, and what lies there is "
        "not lost. The log of `cloudpay worker watch` says why. It is tried again, and ends when that succeeds.",
    ),
    AlertKind.LESS_ARRIVED: Meaning(
        Severity.WARNING,
        "What arrived is what counts, so nothing is credited that is not there; but the invoice may stay underpaid. A "
        "token that takes a fee does so each time: have payers of {subject} send more, or take the asset out of the "
        "settings. End this alert by hand.",
    ),
    AlertKind.TOKEN_STUCK: Meaning(
        Severity.WARNING,
        "The payment counts, and cannot be collected now: the token is paused, or its issuer has blocked the deposit "
        "or the master address. `cloudpay invoice look-up` shows whether it still is so. Think about whether to go on "
        "taking {subject}, and end this alert by hand.",
    ),
    AlertKind.OUTSIDE_SPEND: Meaning(
        Severity.CRITICAL,
        "Nothing is signed on the network of {subject} until a person has looked. If you moved it yourself, with the "
        "words in another wallet, run `cloudpay thaw` for that network and end this alert by hand. If not, somebody "
        "else has the words: move what is left to a new wallet at once.",
    ),
    AlertKind.LEDGER_DIFFERS: Meaning(
        Severity.CRITICAL,
        "Money of {subject} moved and nobody booked it, or was booked and did not move. `cloudpay reconcile` shows how "
        "it stands now; the how-to 'The ledger and the chain disagree' says what to look at. It ends when both agree.",
    ),
    AlertKind.DEPOSIT_DIFFERS: Meaning(
        Severity.WARNING,
        "What is there is collected, and no more. Look at {subject} with a block explorer: a token that takes a fee or "
        "changes balances does that (set verify_balance), or somebody else has the words. It ends when both agree.",
    ),
    AlertKind.GAS_LOW: Meaning(
        Severity.WARNING,
        "Tokens at deposit addresses wait when the native coins of the gas station are used up; nothing is lost. Send "
        "native coins to the gas station of {subject}, as `cloudpay merchant gas-station` names it; `cloudpay sweep "
        "--list` shows what waits.",
    ),
    AlertKind.COLD_ADDRESS_OURS: Meaning(
        Severity.WARNING,
        "What is above `cold_above` stays in the master wallet of {subject}. Name another `cold_address` and restart.",
    ),
    AlertKind.EVENT_FAILING: Meaning(
        Severity.CRITICAL,
        "It is tried again, ever more seldom, and nothing of it is lost; but what should follow {subject} does not "
        "happen. The log of `cloudpay worker events` says why.",
    ),
    AlertKind.WEBHOOKS_FAILING: Meaning(
        Severity.WARNING,
        "The merchant behind {subject} does not hear of payments. Tell them; they can fetch their invoices by API "
        "meanwhile. `cloudpay webhook list` shows the answers, `cloudpay webhook redeliver` sends again.",
    ),
}
