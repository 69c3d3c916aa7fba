"""Where Hydra finds `hydra/launcher=local`: it takes plugins from the namespace `hydra_plugins` alone."""

from candlelab.launch.local import LocalLauncher as _LocalLauncher


class LocalLauncher(_LocalLauncher):
    """The launcher of candlelab.launch.local under the name that Hydra accepts."""
