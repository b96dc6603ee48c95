"""A node that lies: stands in front of a real one and fails as the nodes of the world do, on demand.

Anvil has no limits, never lags, never forgets logs and never cuts an answer off. `FaultProxy` adds all of that: by
named faults (`cloudpay_devnet.faultproxy.faults`), which are switched on and off while it runs, or by a function of a
test's own.
"""

from cloudpay_devnet.faultproxy.proxy import FaultProxy
from cloudpay_devnet.faultproxy.switches import Switch
from cloudpay_devnet.faultproxy.values import Answered, Fault, JsonCall, Raw

__all__ = ["Answered", "Fault", "FaultProxy", "JsonCall", "Raw", "Switch"]
