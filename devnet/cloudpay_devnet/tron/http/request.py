"""A request as the routes see it."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from google.protobuf.message import Message

from cloudpay_devnet.tron.chain import Chain
from cloudpay_devnet.tron.errors import BadInputError
from cloudpay_devnet.tron.store import StoredBlock
from cloudpay_devnet.tron.wire import bytes_from_json, fill
from cloudpay_devnet.tron.world import World

M = TypeVar("M", bound=Message)


def is_visible(given: dict[str, Any]) -> bool:
    """True where a request asks for addresses as Base58."""
    return str(given.get("visible", False)).lower() == "true"


@dataclass(frozen=True)
class Request:
    """What was asked, and at which height it is answered."""

    chain: Chain
    top: int
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def visible(self) -> bool:
        """True when addresses are Base58."""
        return is_visible(self.given)

    @cached_property
    def world(self) -> World:
        """What the chain knew after the last block that this request sees; what waits counts at the head."""
        return self.chain.world if self.top == self.chain.head.number else self.chain.world_at(self.top)

    @property
    def block(self) -> StoredBlock:
        """The last block that this request sees."""
        return self.chain.block(self.top)

    @property
    def slot(self) -> int:
        """The three seconds by which used resources have faded."""
        return self.chain.moment().slot

    def address(self, name: str) -> bytes:
        """The address under a key; raises BadInputError."""
        return bytes_from_json("address", self.required(name), visible=self.visible)

    def required(self, name: str) -> Any:
        """The value under a key; raises BadInputError."""
        value = self.given.get(name)
        if value is None or value == "":
            raise BadInputError(f"{name} isn't set.")
        return value

    def number(self, name: str, default: int = 0) -> int:
        """The whole number under a key; raises BadInputError."""
        value = self.given.get(name, default)
        try:
            return int(value)
        except (TypeError, ValueError) as error:
            raise BadInputError(f'For input string: "{value}"') from error

    def digest(self, name: str = "value") -> bytes:
        """The bytes under a key in hexadecimal; raises BadInputError."""
        return bytes_from_json("value", self.required(name), visible=False)

    def message(self, kind: type[M]) -> M:
        """The request's keys as a message."""
        message = kind()
        fill(message, self.given, visible=self.visible)
        return message
