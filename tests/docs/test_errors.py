"""docs/reference/errors.md names every error that the gateway can answer, with its status, and no other."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import cloudpay
from cloudpay.app.problems import HTTP_PROBLEMS
from cloudpay.kernel.errors import CloudPayError

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "errors.md"
ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)
INFRASTRUCTURE = {("database_unavailable", 503), ("storage_full", 503)}


def _below(kind: type[CloudPayError]) -> Iterator[type[CloudPayError]]:
    yield kind
    for each in kind.__subclasses__():
        if each.__module__.startswith("cloudpay."):
            yield from _below(each)


def _tree() -> list[type[CloudPayError]]:
    for module in pkgutil.walk_packages(cloudpay.__path__, "cloudpay."):
        if ".migrations." not in module.name and not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return list(dict.fromkeys(_below(CloudPayError)))


def test_the_page_names_every_code_with_its_status_and_no_other() -> None:
    written = {(code, int(status)) for code, status in ROW.findall(PAGE.read_text(encoding="utf-8"))}
    raised = {(kind.code, kind.http_status) for kind in _tree()}
    refused = {(code, status) for status, (code, _) in HTTP_PROBLEMS.items()}
    assert written == raised | refused | INFRASTRUCTURE


def test_every_error_has_a_code_of_its_own() -> None:
    """A code that two unrelated errors share could not be programmed against."""
    owners: dict[str, type[CloudPayError]] = {}
    for kind in _tree():
        owner = owners.setdefault(kind.code, kind)
        assert issubclass(kind, owner), f"{kind.__name__} and {owner.__name__} share {kind.code}"


def test_no_code_is_written_twice() -> None:
    codes = [code for code, _ in ROW.findall(PAGE.read_text(encoding="utf-8"))]
    assert len(codes) == len(set(codes))
