"""Where money at a deposit address stands on its way to the master wallet, and what is said of it."""

from collections.abc import Mapping
from enum import StrEnum


class Standing(StrEnum):
    """Why money at an address is collected, or left there."""

    NEW = "new"  # not looked at yet
    COLLECTED = "collected"  # a sweep is under way
    LATER = "later"  # neither long nor much enough yet
    BEHIND = "behind"  # another sweep of the same address goes first
    DUST = "dust"  # the fee is as much as there is
    TOO_DEAR = "too_dear"  # the fee is more than the set share of it
    TOO_LITTLE = "too_little"  # less than the set minimum
    UNPRICED = "unpriced"  # neither a rate nor a minimum says whether it is worth its fee
    UNLISTED = "unlisted"  # the asset was taken out of the settings
    ABOVE_CAP = "above_cap"  # the fee is above the network's `fee_cap`
    UNQUOTED = "unquoted"  # what it costs is not known now
    NO_GAS = "no_gas"  # the gas station holds too little for the top-up
    FAILED = "failed"  # the chain did not carry it out
    MISSING = "missing"  # it is booked, and the chain shows nothing of it
    OVERDRAWN = "overdrawn"  # a reorganisation took a payment back that was collected


WORDS: Mapping[Standing, str] = {
    Standing.NEW: "It has not been looked at yet.",
    Standing.COLLECTED: "It is on its way to the master wallet.",
    Standing.LATER: "It waits for `every_seconds`, or for more to come.",
    Standing.BEHIND: "Another asset of the same address goes first.",
    Standing.DUST: "The fee is as much as there is.",
    Standing.TOO_DEAR: "The fee is more than `fee_share_percent` of it.",
    Standing.TOO_LITTLE: "It is less than `sweep_minimum`.",
    Standing.UNPRICED: "It has neither a rate nor a `sweep_minimum`: nobody knows whether it is worth its fee.",
    Standing.UNLISTED: "The asset is not listed any more.",
    Standing.ABOVE_CAP: "The fee is above `fee_cap`.",
    Standing.UNQUOTED: "What it costs is not known now; is `cloudpay worker send` running?",
    Standing.NO_GAS: "The gas station holds too little native coin for it.",
    Standing.FAILED: "The chain did not carry it out.",
    Standing.MISSING: "It is booked, and the chain shows nothing of it.",
    Standing.OVERDRAWN: "A reorganisation took back a payment that was collected before.",
}
