"""docs/reference/settings.md says of every key what the code says of it, and of no other key."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import NODEFAULT, inspect
from msgspec.structs import fields

from cloudpay.chains.settings import AssetSettings, NetworkSettings
from cloudpay.kernel.settings import Settings, load_settings
from cloudpay_evm.settings import EvmSettings
from cloudpay_tron.settings import TronSettings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
NO_VARIABLE = "—"


def rows(kind: type, prefix: str, skip: frozenset[str] = frozenset()) -> Iterator[str]:
    """The table rows that a section's keys should have on the page."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    for field in described.fields:
        if field.name in skip:
            continue
        assert isinstance(field.type, inspect.Metadata), f"{prefix}{field.name} has no description"
        assert field.type.extra_json_schema is not None
        meaning = field.type.extra_json_schema["description"]
        if isinstance(field.type.type, inspect.StructType):
            yield from rows(field.type.type.cls, f"{prefix}{field.name}.")
            continue
        variable = variable_of(f"{prefix}{field.name}", field.type.type)
        yield f"| `{prefix}{field.name}` | {words(field.type.type)} | {default(field)} | {meaning} | {variable} |"


def variable_of(key: str, kind: inspect.Type) -> str:
    if isinstance(kind, inspect.DictType) and key != "rates.fixed":
        return NO_VARIABLE
    if ".assets." in key:
        return NO_VARIABLE
    name = f"CLOUDPAY_{key.upper().replace('.', '__')}"
    return f"`{name}__SYMBOL`" if key == "rates.fixed" else f"`{name}`"


NAMES: dict[type, str] = {
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.VarTupleType: "list of text",
    inspect.DictType: "table",
}


def words(kind: Any) -> str:
    """A type in plain words, with its bounds."""
    if isinstance(kind, inspect.UnionType):
        return words(next(each for each in kind.types if not isinstance(each, inspect.NoneType)))
    if isinstance(kind, inspect.LiteralType | inspect.EnumType):
        values = kind.values if isinstance(kind, inspect.LiteralType) else [each.value for each in kind.cls]
        return " or ".join(f"`{value}`" for value in values)
    bounds = {"from": "ge", "above": "gt", "to": "le"}
    limits = {word: getattr(kind, name, None) for word, name in bounds.items()}
    return " ".join(
        [NAMES[type(kind)], *(f"{word} {bound}" for word, bound in limits.items() if bound is not None)]
    )


def default(field: inspect.Field) -> str:
    if field.required:
        return "none: must be set"
    if field.default is NODEFAULT or field.default is None or field.default in ("", ()):
        return "empty"
    value = getattr(field.default, "value", field.default)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


SECTIONS: dict[str, Callable[[], Iterator[str]]] = {
    "core": lambda: rows(Settings, "", frozenset({"networks"})),
    "networks": lambda: rows(NetworkSettings, "networks.CODE."),
    "assets": lambda: rows(AssetSettings, "networks.CODE.assets.SYMBOL."),
    "evm": lambda: rows(EvmSettings, "networks.CODE.", frozenset(NetworkSettings.__struct_fields__)),
    "tron": lambda: rows(TronSettings, "networks.CODE.", frozenset(NetworkSettings.__struct_fields__)),
}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_on_the_page_with_type_default_meaning_and_variable(section: str) -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    missing = [row for row in SECTIONS[section]() if row not in page]
    assert not missing, "add to docs/reference/settings.md:\n" + "\n".join(missing)


@pytest.mark.parametrize("family", [EvmSettings, TronSettings])
def test_a_default_that_a_family_has_of_its_own_is_on_the_page(family: type[NetworkSettings]) -> None:
    common = {each.encode_name: each.default for each in fields(NetworkSettings)}
    own = {each.encode_name: each.default for each in fields(family)}
    page = PAGE.read_text(encoding="utf-8")
    for key, usual in common.items():
        if own[key] != usual:
            assert f"The default of `{key}` is `{own[key]}` there" in page


def test_no_setting_is_on_the_page_that_is_gone() -> None:
    known = {row.split("|")[1] for section in SECTIONS.values() for row in section()}
    page = re.findall(r"^\|( `[^|]+` )\|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(page) == len(set(page)), "a key is there twice"
    assert set(page) == known


def test_the_pages_example_is_a_valid_configuration(tmp_path: Path) -> None:
    [example] = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = tmp_path / "cloudpay.toml"
    path.write_text(example, encoding="utf-8")
    assert load_settings(path, {}).networks
