"""Where Hydra finds `hydra/sweeper=optuna`: it takes plugins from the namespace `hydra_plugins` alone."""

from candlelab.launch.search import OptunaSearch as _OptunaSearch


class OptunaSearch(_OptunaSearch):
    """The sweeper of candlelab.launch.search under the name that Hydra accepts."""
