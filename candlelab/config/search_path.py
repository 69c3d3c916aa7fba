"""Where yaml files are looked for: candlelab's own conf, that of every extension, and the folder of --config-dir."""

from __future__ import annotations

import os
from pathlib import Path

from candlelab.config.packages import HOME, OURS, extensions, place_of
from candlelab.core.errors import ConfigError
from candlelab.core.yaml_text import MEND, own_text_of

CONF = HOME / "conf" if (HOME / "conf").is_dir() else HOME.parent / "conf"
CHOSEN = "CANDLELAB_CONFIG_DIR"  # in the environment, so that processes which a command starts look there too


def choose_folder(folder: str) -> None:
    """Let the person at the keyboard add a folder of yaml files to the search path. Raises ConfigError if there is none."""
    if not Path(folder).is_dir():
        raise ConfigError(
            f"--config-dir: '{folder}' is no folder: give one with groups in it, such as {folder}/model/x.yaml"
        )
    os.environ[CHOSEN] = str(Path(folder).resolve())


def roots() -> dict[str, Path]:
    """Return {who brings it: folder of yaml files}, candlelab first; an earlier one wins."""
    found = {OURS: CONF}
    for name in extensions():
        place = place_of(name)
        if place is not None and (place / "conf").is_dir():
            found[name] = place / "conf"
    chosen = os.environ.get(CHOSEN)
    if chosen and Path(chosen).is_dir():
        found[f"--config-dir={chosen}"] = Path(chosen)
    return found


def yaml_files(root: Path) -> list[Path]:
    """Return the yaml files of a root, sorted."""
    return sorted(root.rglob("*.yaml"))


def stamp() -> tuple[tuple[str, str, int], ...]:
    """Return what changes whenever a root, or a file of an extension, does: the key of everything remembered of them."""
    return tuple((name, str(path), 0 if name == OURS else _newest(path)) for name, path in roots().items())


def _newest(root: Path) -> int:
    return max((path.lstat().st_mtime_ns for path in yaml_files(root)), default=0)


def refuse_unfit() -> None:
    """Raise ConfigError where an extension's file cannot be read, would never be, or would speak for Hydra itself."""
    seen: dict[str, str] = {}
    for owner, root in roots().items():
        for path in yaml_files(root):
            name = path.relative_to(root).as_posix()
            if owner != OURS and name.startswith("hydra/"):
                raise ConfigError(
                    f"'{path}' would change how programs are started: an extension brings no hydra/ options"
                )
            if name in seen:
                raise ConfigError(f"'{path}' has the name of an option of {seen[name]}: give it another name")
            if owner != OURS:
                refuse_unreadable(path)
            seen[name] = owner


def refuse_unreadable(path: Path) -> None:
    """Raise UserError, naming the line, if a yaml of one's own is no file of settings."""
    import yaml
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    own_text_of(path)
    try:
        made = OmegaConf.load(path)
    except (yaml.YAMLError, OmegaConfBaseException, AssertionError, ValueError, OSError) as error:
        raise ConfigError(f"'{path}' is no valid YAML ({' '.join(str(error).split())[:300]}): {MEND}") from None
    if not OmegaConf.is_dict(made) or any(not isinstance(key, str) for key in made):
        raise ConfigError(f"'{path}' is no file of settings, which are lines of key: value: {MEND}")
