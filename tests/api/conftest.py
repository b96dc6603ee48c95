"""One gateway to shoot at for all tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.house import House
from tests.api.opening import open_house


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the gateway of this file keeps everything; short, since a socket's path lies in it."""
    return tmp_path_factory.mktemp("h") / "d"


@pytest.fixture(scope="module")
def house(folder: Path, server_database: str | None) -> Iterator[House]:
    """A gateway whose limits nothing reaches, on the database that the tests run on."""
    with open_house(folder, server_database) as running:
        yield running
