"""What can be asked of a TRON node for development, wherever its process was started."""

from typing import Any

import requests

from cloudpay_devnet.errors import NodeUnreachable, RpcFailed

_CALL_SECONDS = 60.0


class TronClient:
    """Speaks to the node at an HTTP root: a full node's routes, and those that make its chain obey."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def close(self) -> None:
        """Let the connections go."""
        self._session.close()

    def call(self, route: str, **given: Any) -> Any:
        """What a route such as `wallet/getnowblock` answers; raises NodeUnreachable."""
        try:
            answer = self._session.post(f"{self.url}/{route}", json=given, timeout=_CALL_SECONDS)
        except requests.RequestException as error:
            raise NodeUnreachable(self.url, str(error)) from error
        return answer.json()

    def control(self, command: str, **given: Any) -> dict[str, Any]:
        """Carry out a command of `/control/`; raises RpcFailed."""
        try:
            answer = self._session.post(f"{self.url}/control/{command}", json=given, timeout=_CALL_SECONDS)
        except requests.RequestException as error:
            raise NodeUnreachable(self.url, str(error)) from error
        content: dict[str, Any] = answer.json()
        if answer.status_code != requests.codes.ok:
            raise RpcFailed(command, answer.status_code, str(content.get("error")))
        return content

    def mine(self, blocks: int = 1, *, empty: bool = False) -> int:
        """Make blocks; return the head's number."""
        return int(self.control("mine", blocks=blocks, empty=empty)["number"])

    def set_block_time(self, seconds: float | None) -> None:
        """Make a block every so many seconds; 0 makes one for each transaction, None on demand alone."""
        self.control("mining", seconds=seconds)

    def fork(self, depth: int, *, lose: bool = False) -> list[str]:
        """Replace the last blocks by longer, empty ones; return the ids of what was in them.

        They wait again for a block, or are lost.
        """
        return list(self.control("fork", depth=depth, lose=lose)["dropped"])

    def fault(self, kind: str, path: str = "*", times: int | None = None, **values: Any) -> None:
        """Switch a fault on; `faults.KINDS` lists them."""
        self.control("fault", kind=kind, path=path, times=times, **values)

    def heal(self) -> None:
        """Switch all faults off."""
        self.control("heal")

    def fund(self, address: str, sun: int) -> None:
        """Give an address TRX out of nothing."""
        self.control("fund", address=address, sun=sun)

    def pass_time(self, seconds: float, *, empty: bool = False) -> None:
        """Move the chain's clock and make a block; what waits gets into it unless it is to be empty."""
        self.control("time", seconds=seconds, empty=empty)
