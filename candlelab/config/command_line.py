"""Read the words of a command before Hydra does: find every mistake, expand a sweep into its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any, cast

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from candlelab.config import CONF, ConfigError, completed, groups, hint, hydra_path, leaves, plain, problems, several
from candlelab.config.override_words import is_text, unreadable, words_of
from candlelab.config.plugins import GROUPS as PLUGIN_GROUPS
from candlelab.config.plugins import plugin_problems, plugin_trouble
from candlelab.config.root import NEEDED
from candlelab.config.search_path import stamp
from candlelab.config.search_space import SearchAxis, at_the_ends, axes_of, is_search
from candlelab.config.sweep_size import MANY_JOBS, matches, sweep_problems

hydra_path.register()

TAKES_A_VALUE = (
    "-c",
    "--cfg",
    "-p",
    "--package",
    "-i",
    "--info",
    "-cp",
    "--config-path",
    "-cn",
    "--config-name",
    "-cd",
    "--config-dir",
)
EMPTY = ("experiment", "sweep")  # groups that conf/config.yaml leaves empty
NAMED_NULL = {
    "task=null": "task=null_worlds"
}  # no run can do without a task, so this asks for the worlds without an edge
ROUND = "the defaults of a yaml file lead back to itself: look through the files of --config-dir"
_FOLDERS = "outputs=FOLDER and study=NAME say where runs lie: set these"
PLACED = {f"hydra.{key}": _FOLDERS for key in ("run.dir", "sweep.dir", "sweep.subdir", "output_subdir", "job.chdir")}


def check_overrides(words: list[str]) -> list[DictConfig]:
    """Return the finished config of every job that a command line asks for; one without a sweep.

    Raises ConfigError that lists the problems of all overrides and of all jobs at once.
    """
    parsed, found = _parse(words)
    parsed = [o for o in parsed if not _absent_plugin(o, found)]
    axes = _axes(parsed, found)
    if axes:
        return _at_the_ends(parsed, axes, found)
    found += sweep_problems(parsed)
    if any(o.is_sweep_override() for o in parsed) and found:
        raise ConfigError(several(found))  # what cannot be counted is not composed
    only = None if found else _only_job(parsed)
    if only is not None:
        return [only]
    good = [o for o in parsed if not _group_problem(o, found)]
    chosen = [o for o in good if _is_group(o.key_or_group)]
    own = _own_sweep(good, found)
    single = [o for o in good if not _is_group(o.key_or_group)]
    values = _known_values(single, chosen + [o for o in own if _is_group(o.key_or_group)], found)
    asked, jobs = _expand(chosen + values, own), []
    if len(asked) >= MANY_JOBS:
        print(f"{len(asked):,} jobs to check before the first starts", flush=True)
    for job in asked:
        cfg = _compose_or_note(job, found)
        if cfg is not None:
            found += [line for line in _job_problems(cfg) if line not in found]
            jobs.append(cfg)
    if not found and not jobs:
        empty = (o.input_line for o in parsed if o.is_sweep_override() and not _lines(o))
        found = [f"the sweep has no job: {line} gives no value" for line in empty]
    if found:
        raise ConfigError(several(found))
    return jobs


def is_sweep(words: list[str]) -> bool:
    """Return whether a command without --multirun still asks for several runs, because its config says so."""
    return _asks_for_several(with_hydra(words))


def with_hydra(words: list[str]) -> DictConfig:
    """Return the composed config of a command's plain overrides, Hydra's own node included."""
    parsed, _ = _parse(words)
    return _compose([str(o.input_line) for o in parsed if not o.is_sweep_override()], hydra=True)


def check_package(name: str | None, words: list[str]) -> None:
    """Raise ConfigError if the part of a config that is to be shown is not there."""
    if name in (None, "_global_"):
        return
    full = with_hydra(words)
    try:
        there = OmegaConf.select(full, str(name)) is not None
    except OmegaConfBaseException:
        there = False
    if not there:
        keys = leaves(cast("dict[str, Any]", OmegaConf.to_container(full, resolve=False)))
        raise ConfigError(f"--package {name}: no such part of the config{hint(str(name), keys)}")


def _asks_for_several(full: DictConfig) -> bool:
    return str(full.hydra.mode).endswith("MULTIRUN") or bool(OmegaConf.select(full, "hydra.sweeper.params"))


def _only_job(parsed: list[Override]) -> DictConfig | None:
    """Return the one job of a command without sweeps or mistakes, composed in one go; None for any other command."""
    if any(
        o.is_sweep_override() or o.is_add() or o.is_delete() or _names_a_group_as_a_value(o) or _group_problem(o, [])
        for o in parsed
    ):
        return None
    try:
        full = _compose([str(o.input_line) for o in parsed], hydra=True)
        job = None if _asks_for_several(full) else completed(full, full.hydra.runtime.choices)
        return None if job is None or any(_job_problems(job)) else job
    except (HydraException, OmegaConfBaseException, ConfigError):
        return None


def _job_problems(job: DictConfig) -> Iterator[str]:
    """Yield what is wrong with a job: its groups, of which a yaml of one's own may have taken some away, and all that is in them."""
    tree = plain(job)
    yield from (f"{group}: missing; choose {group}=… (--help lists them)" for group in NEEDED if group not in tree)
    yield from problems(tree)


def flags_first(words: list[str]) -> list[str]:
    """Return the words with the flags and their values before the overrides, where argparse wants them."""
    flags: list[str] = []
    overrides: list[str] = []
    for word in words:
        value = bool(flags) and flags[-1] in TAKES_A_VALUE and "=" not in word
        (flags if word.startswith("-") or value else overrides).append(word)
    return flags + overrides


def without_nulls(words: list[str]) -> list[str]:
    """Return the words with GROUP=null as Hydra knows it: ~GROUP, and nothing for a group that is empty by itself."""
    return [
        f"~{_key_of(word)}" if _empties(word) else word
        for word in (NAMED_NULL.get(word, word) for word in words)
        if not _empties(word) or _key_of(word) not in EMPTY
    ]


def _empties(word: str) -> bool:
    return word.endswith("=null") and _is_group(_key_of(word))


def _key_of(word: str) -> str:
    return word.partition("=")[0]


def _parse(words: list[str]) -> tuple[list[Override], list[str]]:
    parser = OverridesParser.create()
    parsed: list[Override] = []
    found: list[str] = []
    for word in without_nulls(words):
        if not is_text(word):
            found.append(f"'{word}' is not UTF-8: write it in letters that your terminal's encoding knows")
            continue
        try:
            read = parser.parse_override(word)
            if not read.key_or_group:
                raise HydraException("no key")
            if read.key_or_group in PLACED:
                found.append(f"{read.key_or_group}: {PLACED[read.key_or_group]}")
            else:
                parsed.append(read)
        except (HydraException, OmegaConfBaseException):
            found.append(unreadable(word))
    return parsed, found


def _is_group(key: str) -> bool:
    return key in groups()


def _absent_plugin(override: Override, found: list[str]) -> bool:
    """Note a launcher or sweeper of Hydra that is not installed; return whether it is one."""
    key = override.key_or_group
    if key not in PLUGIN_GROUPS:
        return False
    absent = [trouble for v in _choices(override) if (trouble := plugin_trouble(key, str(v))) is not None]
    found += absent
    return bool(absent)


def _axes(parsed: list[Override], found: list[str]) -> list[SearchAxis]:
    """Return the space of a command that searches; [] for any other. Raises ConfigError for what is wrong with Hydra's plugins."""
    keys = {o.key_or_group for o in parsed}
    if "sweep" not in keys and not any(key.startswith("hydra") for key in keys):
        return []
    lines = [str(o.input_line) for o in parsed if not o.is_sweep_override() and _is_of_hydra_or_group(o.key_or_group)]
    try:
        full = _compose(lines, hydra=True)
    except (HydraException, OmegaConfBaseException, ConfigError):
        return []  # told below, with the rest
    trouble = [line for line in plugin_problems(full) if line not in found]
    if trouble:
        raise ConfigError(several(found + trouble))
    return [] if found or not is_search(full) else axes_of(full.hydra.sweeper.params or {}, parsed)


def _at_the_ends(parsed: list[Override], axes: list[SearchAxis], found: list[str]) -> list[DictConfig]:
    """Return the checked jobs at the ends of a search space: what lies between them fits where these do."""
    fixed, jobs = [str(o.input_line) for o in parsed if not o.is_sweep_override()], []
    for ends in at_the_ends(axes):
        try:
            jobs += check_overrides([*fixed, *ends])
        except ConfigError as error:
            found += [str(error)] if str(error) not in found else []
        if found and not jobs:
            break  # what is wrong with the first of them is wrong with all
    if found:
        raise ConfigError(several(found))
    return jobs


def _names_a_group_as_a_value(override: Override) -> bool:
    key = override.key_or_group
    return "." in key and key.replace(".", "/") in groups()


def _group_problem(override: Override, found: list[str]) -> bool:
    """Note what is wrong with a group choice; return whether anything is."""
    key = override.key_or_group
    if not _is_group(key) or key in PLUGIN_GROUPS:
        return False
    if override.is_delete() and key in NEEDED:
        found.append(f"{key}=null: no run can do without {key}{hint('', groups()[key])}")
        return True
    wrong = [v for v in _choices(override) if v not in (None, "null") and v not in groups()[key] and str(v)[:1] != "_"]
    found += [f"{key}={value}: no such option{hint(str(value), groups()[key])}" for value in wrong]
    return bool(wrong)


def _choices(override: Override) -> list[Any]:
    if isinstance(override.value(), Glob):
        return matches(override)
    if override.is_sweep_override():
        return [_strip(v) for v in override.sweep_iterator()]
    value = override.value()
    return list(value) if isinstance(value, list) else [value]


def _strip(value: Any) -> str:
    return str(value).strip("'\"")


def _known_values(values: list[Override], chosen: list[Override], found: list[str]) -> list[Override]:
    """Return the value overrides whose key exists with these choices, noting the others."""
    plain_choices = [str(o.input_line) for o in chosen if not o.is_sweep_override()]
    trees = [
        tree
        for extra in _sweep_products(chosen)
        if (tree := _compose_or_note((*plain_choices, *extra), found)) is not None
    ]
    if not trees:
        return values
    keys = {
        key for tree in trees for key in leaves(cast("dict[str, Any]", OmegaConf.to_container(tree, resolve=False)))
    }
    good = []
    for override in values:
        key = override.key_or_group
        if _names_a_group_as_a_value(override):
            found.append(f"{key} is a group: {_as_choice(key.replace('.', '/'), override)}")
        elif key in keys or key.startswith("hydra"):
            good.append(override)
        else:
            found.append(f"{key}: unknown setting{hint(key, keys | set(groups()))}")
    return good


def _as_choice(group: str, override: Override) -> str:
    """Return how to choose the option of a group that somebody gave as a value; the options where it is none."""
    value = _strip(override.get_value_element_as_str())
    if value in groups()[group]:
        return f"write {group}={value}"
    return f"choose {group}= one of {', '.join(sorted(groups()[group]))}"


def _sweep_products(chosen: list[Override]) -> Iterator[tuple[str, ...]]:
    swept = [[f"{o.get_key_element()}={v}" for v in _choices(o)] for o in chosen if o.is_sweep_override()]
    return product(*swept)


def _own_sweep(overrides: list[Override], found: list[str]) -> list[Override]:
    """Return what the config itself sweeps over (hydra.sweeper.params), but for what the words settle."""
    fixed = [
        str(o.input_line) for o in overrides if not o.is_sweep_override() and _is_of_hydra_or_group(o.key_or_group)
    ]
    try:
        own = OmegaConf.select(_compose(fixed, hydra=True), "hydra.sweeper.params") or {}
    except (HydraException, OmegaConfBaseException) as error:
        found.append(words_of(error))
        return []
    named = {o.key_or_group for o in overrides}
    parser = OverridesParser.create()
    return [parser.parse_override(f"{key}={value}") for key, value in own.items() if key not in named]


def _is_of_hydra_or_group(key: str) -> bool:
    return key.startswith("hydra") or _is_group(key)


def _expand(overrides: list[Override], own: list[Override]) -> list[tuple[str, ...]]:
    """Return the override lines of each job: choice and range sweeps multiplied out, the config's own sweep included."""
    fixed = [str(o.input_line) for o in overrides if not o.is_sweep_override()]
    swept = [o for o in overrides if o.is_sweep_override()] + own
    lists = [[f"{o.get_key_element()}={v}" for v in _lines(o)] for o in swept]
    return [tuple(fixed) + job for job in product(*lists)]


def _lines(override: Override) -> list[str]:
    if isinstance(override.value(), Glob):
        return matches(override)
    return (
        list(override.sweep_string_iterator())
        if override.is_sweep_override()
        else [str(override.get_value_element_as_str())]
    )


def _compose_or_note(lines: tuple[str, ...], found: list[str]) -> DictConfig | None:
    try:
        return _compose_lines(list(lines))
    except (HydraException, OmegaConfBaseException, ConfigError) as error:
        text = words_of(error)
        if text not in found:
            found.append(text)
        return None


def _compose_lines(lines: list[str]) -> DictConfig:
    """Return one job's finished config: composed once for each choice of options, then given the job's own values."""
    parsed = OverridesParser.create().parse_overrides(lines)
    composed, choices = _of_choices(tuple(str(o.input_line) for o in parsed if _chooses(o.key_or_group)), stamp())
    cfg, values = composed.copy(), [o for o in parsed if not _is_of_hydra_or_group(o.key_or_group)]
    ConfigLoaderImpl._apply_overrides_to_config(values, cfg)
    return completed(cfg, choices)


@lru_cache(maxsize=512)
def _of_choices(lines: tuple[str, ...], sources: tuple[tuple[str, str, int], ...]) -> tuple[DictConfig, dict[str, Any]]:
    """Return what some choices of options compose to, without Hydra's own node, and all the choices."""
    full = _compose(list(lines), hydra=True)
    return OmegaConf.masked_copy(full, [str(key) for key in full if key != "hydra"]), dict(full.hydra.runtime.choices)


def _chooses(key: str) -> bool:
    """Return whether an override of this key chooses an option, ours or Hydra's, and gives no value."""
    return "/" in key or _is_group(key)


def _compose(lines: list[str], *, hydra: bool) -> DictConfig:
    return _cached(tuple(lines), hydra, stamp()).copy()


@lru_cache(maxsize=512)
def _cached(lines: tuple[str, ...], hydra: bool, sources: tuple[tuple[str, str, int], ...]) -> DictConfig:
    """Compose beside whatever Hydra is doing: a task may ask for other configs while its own job runs."""
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            return hydra_compose("config", overrides=list(lines), return_hydra_config=hydra)
    except RecursionError:
        raise ConfigError(ROUND) from None
    finally:
        GlobalHydra.instance().hydra = outer
