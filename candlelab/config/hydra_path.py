"""Hydra search-path plugin: lets Hydra find the yaml files of extensions."""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from candlelab.config.packages import OURS
from candlelab.config.search_path import roots


class ExtensionSearchPath(SearchPathPlugin):
    """Appends the conf of every extension, so that candlelab's own option wins where two have one name."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for name, root in roots().items():
            if name != OURS:
                search_path.append(provider=name, path=f"file://{root}")


def register() -> None:
    """Make the plugin known to Hydra, once per process."""
    Plugins.instance().register(ExtensionSearchPath)
