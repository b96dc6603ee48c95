"""A plugin that cannot be used stops the start, whichever way it is broken."""

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from cloudpay.chains import hookspecs
from cloudpay.kernel import plugins
from cloudpay.kernel.plugins import BrokenPlugin, load_plugins

Install = Callable[[str, str], None]
GROUP = "cloudpay.chains"
HOOK = "from cloudpay.kernel.plugins import hookimpl\n\n@hookimpl\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install distributions by name and source, as far as entry points tell; nothing else is installed."""
    points: list[EntryPoint] = []
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: [each for each in points if each.group == group]
    )

    def put(name: str, source: str) -> None:
        module = f"installed_{name}"
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        monkeypatch.delitem(sys.modules, module, raising=False)
        points.append(EntryPoint(name, module, GROUP))

    return put


def test_installed_plugins_are_loaded_by_entry_point(install: Install) -> None:
    install("second", f"{HOOK}def cloudpay_chains():\n    return ['two']\n")
    install("first", f"{HOOK}def cloudpay_chains():\n    return ['one']\n")
    manager = load_plugins(GROUP, hookspecs)
    assert [name for name, _plugin in manager.list_name_plugin()] == ["first", "second"]
    assert sorted(manager.hook.cloudpay_chains()) == [["one"], ["two"]]


def test_entry_points_of_another_group_are_not_loaded(install: Install) -> None:
    install("plugin", "raise RuntimeError('loaded')\n")
    assert load_plugins("cloudpay.commands", hookspecs).list_name_plugin() == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_library\n", "failed with ModuleNotFoundError: No module named 'no_such_library'"),
        ("1 / 0\n", "failed with ZeroDivisionError: division by zero"),
        (f"{HOOK}def cloudpay_chain():\n    return []\n", "its hooks do not fit"),
        (f"{HOOK}def cloudpay_chains(network):\n    return []\n", "its hooks do not fit"),
        ("def cloudpay_chains():\n    return []\n", "it implements no hook; is a hook's name misspelt?"),
    ],
    ids=[
        "import error",
        "error when imported",
        "misspelt hook",
        "unknown argument",
        "hook without its marker",
    ],
)
def test_a_broken_plugin_stops_the_start_and_is_named(install: Install, source: str, reason: str) -> None:
    install("mychain", source)
    with pytest.raises(BrokenPlugin) as raised:
        load_plugins(GROUP, hookspecs)
    sentence = str(raised.value)
    assert sentence.startswith("The plugin 'mychain' cannot be used: ")
    assert reason in sentence
    assert "Mend it, or uninstall it and take its networks out of the configuration." in sentence


def test_an_entry_point_to_nothing_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda group: [EntryPoint("gone", "no_such_module", group)])
    with pytest.raises(BrokenPlugin, match="importing no_such_module failed"):
        load_plugins(GROUP, hookspecs)


def test_a_plugin_given_by_hand_is_checked_like_an_installed_one(install: Install) -> None:
    with pytest.raises(BrokenPlugin, match=r"'by hand'.*implements no hook"):
        load_plugins(GROUP, hookspecs, ("by hand", object()))
