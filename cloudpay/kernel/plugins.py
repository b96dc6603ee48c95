"""The plugin manager: finds distributions by entry point and refuses to start with a broken one."""

from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

import pluggy

from cloudpay.kernel.errors import ConfigurationError

PROJECT = "cloudpay"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class BrokenPlugin(ConfigurationError):
    """An installed plugin cannot be used; a skipped plugin would be a missed deposit, so the start stops."""

    code = "broken_plugin"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"The plugin {name!r} cannot be used: {reason}. "
            "Mend it, or uninstall it and take its networks out of the configuration."
        )
        self.name = name


def load_plugins(group: str, specifications: ModuleType, *extra: tuple[str, Any]) -> pluggy.PluginManager:
    """Load every plugin of an entry-point group and check its hooks against the specifications.

    `extra` are (name, plugin) pairs to register beside the installed ones. Raises `BrokenPlugin`.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specifications)
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            plugin = point.load()
        except Exception as error:
            raise BrokenPlugin(
                point.name, f"importing {point.value} failed with {type(error).__name__}: {error}"
            ) from error
        _register(manager, point.name, plugin)
    for name, plugin in extra:
        _register(manager, name, plugin)
    return manager


def _register(manager: pluggy.PluginManager, name: str, plugin: Any) -> None:
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise BrokenPlugin(name, f"its hooks do not fit ({error})") from error
    if not manager.get_hookcallers(plugin):
        raise BrokenPlugin(name, "it implements no hook; is a hook's name misspelt?")
