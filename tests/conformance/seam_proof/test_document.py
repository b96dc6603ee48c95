"""The document proposes what was tried out, name by name."""

import collections.abc
import dataclasses
import enum
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import pytest

from cloudpay.chains import spending
from cloudpay.chains.adapter import ChainAdapter
from cloudpay.chains.types import BlockRef

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "chain-seam.md"
_MARK = "<!-- example: spending -->\n```python\n"


def test_the_document_proposes_what_was_tried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("proposed")
    monkeypatch.setitem(sys.modules, "proposed", module)  # dataclasses look their module up
    proposed = _proposed(vars(module))
    tried = {name: each for name, each in vars(spending).items() if _is_of(each, spending)}
    assert list(proposed) == list(tried)
    for name, each in tried.items():
        assert _shape(proposed[name]) == _shape(each), name


def _proposed(names: dict[str, Any]) -> dict[str, Any]:
    source = PAGE.read_text(encoding="utf-8").partition(_MARK)[2].partition("\n```\n")[0]
    names |= {"BlockRef": BlockRef, "ChainAdapter": ChainAdapter, "Protocol": Protocol}
    names |= {
        "dataclass": dataclasses.dataclass,
        "Enum": enum.Enum,
        "StrEnum": enum.StrEnum,
        "auto": enum.auto,
    }
    names |= {name: getattr(collections.abc, name) for name in ("Collection", "Mapping", "Sequence")}
    before = set(names)
    exec(source, names)
    return {name: each for name, each in names.items() if name not in before and inspect.isclass(each)}


def _is_of(each: object, module: ModuleType) -> bool:
    return getattr(each, "__module__", "") == module.__name__


def _shape(kind: Any) -> list[str]:
    """Fields, members or methods, as text."""
    if issubclass(kind, enum.Enum):
        return [f"{each.name} = {each.value}" for each in kind]
    if dataclasses.is_dataclass(kind):
        return [
            f"{each.name}: {_plain(inspect.formatannotation(each.type))} = {each.default}"
            for each in dataclasses.fields(kind)
        ]
    own = [
        (name, each)
        for name, each in vars(kind).items()
        if inspect.isfunction(each) and not name.startswith("_")
    ]
    return [f"{name}{_plain(str(inspect.signature(each)))}" for name, each in own]


def _plain(text: str) -> str:
    return text.replace(f"{spending.__name__}.", "").replace("proposed.", "")
