"""The 2,048-bit filter in every header that says which contracts and topics its logs may have (yellow paper, 4.4.3)."""

from collections.abc import Iterable
from functools import lru_cache

from cloudpay_evm.checksum import keccak256
from cloudpay_evm.wire import Log, octets


@lru_cache(maxsize=65_536)
def mask(item: str) -> int:
    """Answer the three bits that an address or a topic, in hexadecimal, sets; raises `NodeFault`."""
    digest = keccak256(octets(item))
    bits = 0
    for start in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[start : start + 2]) & 2047)
    return bits


def of_logs(logs: Iterable[Log]) -> int:
    """Answer the filter that these logs make; raises `NodeFault` for a topic that is none."""
    bits = 0
    for log in logs:
        bits |= mask(log.address.lower())
        for topic in log.topics:
            bits |= mask(topic.lower())
    return bits
