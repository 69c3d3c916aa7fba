"""Project template (scaffold) of an extension package: components, yaml, entry point and contract tests."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from omegaconf import DictConfig

from candlelab import __version__
from candlelab.config import ConfigError
from candlelab.core.files import make_folder, write_text

TEMPLATES = Path(__file__).parent / "templates" / "extension"
PLACE, SUFFIX = "PACKAGE", ".j2"


def scaffold(cfg: DictConfig, *, name: str, folder: str) -> Path:
    """Write the package `name` into `folder`/`name` and return that path.

    Raises ConfigError if the name cannot be a package's, is taken by an installed one, or the folder exists.
    """
    _check_name(name)
    made = Path(folder) / name
    if made.exists():
        raise ConfigError(f"'{made}' exists already: choose another task.name or task.folder")
    for path, text in files_of(name).items():
        make_folder((made / path).parent)
        write_text(made / path, text)
    print(
        f"wrote {made}\nnext: pip install -e {made}   (or CANDLELAB_EXTENSIONS={name} PYTHONPATH={made})\n"
        f"then: python -m candlelab experiment={name}   and: python -m pytest {made}",
        flush=True,
    )
    return made


def files_of(name: str) -> dict[str, str]:
    """Return {path: text} of the files of an extension package."""
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    found = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob(f"*{SUFFIX}"))
    return {
        path.removesuffix(SUFFIX).replace(PLACE, name): pages.get_template(path).render(
            package=name, version=__version__
        )
        for path in found
    }


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{1,40}", name) or keyword.iskeyword(name):
        raise ConfigError(f"task.name is '{name[:60]}': give a name of small letters, digits and _, such as my_lab")
    if importlib.util.find_spec(name) is not None:
        raise ConfigError(f"task.name is '{name}', which is an installed package: choose another name")
