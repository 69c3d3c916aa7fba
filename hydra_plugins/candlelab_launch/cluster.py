"""Where Hydra finds `hydra/launcher=ray`: it takes plugins from the namespace `hydra_plugins` alone."""

from candlelab.launch.cluster import RayLauncher as _RayLauncher


class RayLauncher(_RayLauncher):
    """The launcher of candlelab.launch.cluster under the name that Hydra accepts."""
