"""What runs until it is stopped."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Stopping(ABC):
    """Something that runs; as a context manager it is stopped at the end."""

    @abstractmethod
    def stop(self) -> None:
        """End it in order."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
