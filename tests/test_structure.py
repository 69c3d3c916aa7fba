"""The rules of the house, kept by machine."""

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest
import yaml
from syntax import syntax_tree

ROOT = Path(__file__).resolve().parents[1]
CODE = sorted((ROOT / "candlelab").rglob("*.py"))
YAMLS = sorted((ROOT / "conf").rglob("*.yaml"))
# The floors of the house, from the ground up: what each room may import beside itself.
MAY_IMPORT = {
    "core": set(),
    "config": {"core"},
    **{room: {"core"} for room in ("market", "render", "model", "trainer", "evaluate")},
    "data": {"core", "market"},
    "report": {"core", "evaluate"},
    "audit": {"core", "evaluate"},
    "run": {"core", "config"},
    **{room: {"core", "config", "run"} for room in ("export", "launch")},
    "pipeline": {
        "core",
        "config",
        "market",
        "render",
        "model",
        "trainer",
        "evaluate",
        "data",
        "report",
        "audit",
        "run",
        "export",
        "launch",
    },
    "__main__": {"config", "core", "run", "launch"},
}
MAY_IMPORT["task"] = MAY_IMPORT["pipeline"] | {"pipeline"}
MAY_IMPORT["__init__"] = MAY_IMPORT["task"]  # inside its functions: the front door of the library
HEAVY = {"torch", "numpy", "pandas", "timm", "transformers", "pytorch_lightning", "zarr"}
AT_THE_DOOR = ("__init__", "__main__", "config", "run", "launch")
ONLY_WHERE_NEEDED = {
    "wandb",
    "huggingface_hub",
    "onnxruntime",
    "binance",
    "cupy",
    "ray",
    "optuna",
    "gradio",
    "fastapi",
    "uvicorn",
}


def in_each(paths: Iterable[Path]) -> Callable[[Callable[[Path], None]], Callable[[], None]]:
    """Make one test of a rule that holds in every file; it names each file that breaks it. One test per file costs more than the rule."""

    def of_all(rule: Callable[[Path], None]) -> Callable[[], None]:
        def test() -> None:
            broken = [f"{name(path)}: {told}" for path in paths if (told := broken_in(rule, path))]
            assert not broken, "\n".join(broken)

        return test

    return of_all


def broken_in(rule: Callable[[Path], None], path: Path) -> str | None:
    try:
        rule(path)
    except AssertionError as error:
        return str(error) or "broken"
    return None


@cache
def parsed(path: Path) -> ast.Module:
    """The tree of a file, which nobody changes."""
    return syntax_tree(path.read_text())


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room(path: Path) -> str:
    return path.relative_to(ROOT / "candlelab").parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def top_level_imports(path: Path) -> set[str]:
    body = [node for node in parsed(path).body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return {found.split(".")[0] for found in imports(ast.Module(body, []))}


@in_each(YAMLS)
def test_every_yaml_says_in_its_first_line_what_it_is(path):
    lines = [line for line in path.read_text().splitlines() if "@package" not in line]
    assert re.match(r"# \S.{15,}", lines[0]), lines[0]


@in_each([p for p in YAMLS if "_target_" in p.read_text()])
def test_every_component_yaml_lies_where_its_code_lies(path):
    target = (yaml.safe_load(path.read_text()) or {}).get("_target_")
    group = path.parent.relative_to(ROOT / "conf").as_posix().replace("/", ".")
    if target:
        house = "hydra_plugins.candlelab_launch." if group.startswith("hydra.") else f"candlelab.{group}."
        assert target.startswith(house), target


@in_each(CODE)
def test_no_arrow_runs_upwards(path):
    here = room(path)
    used = {found.split(".")[1] for found in imports(parsed(path)) if found.startswith("candlelab.")}
    assert used - {here, "__version__"} <= MAY_IMPORT[here], used - MAY_IMPORT[here]


@in_each([p for p in CODE if room(p) in AT_THE_DOOR])
def test_the_door_is_light(path):
    assert not top_level_imports(path) & HEAVY


@in_each(CODE)
def test_lightning_is_only_where_training_is(path):
    if room(path) != "trainer" and name(path) != "candlelab/data/module.py":
        assert "pytorch_lightning" not in {found.split(".")[0] for found in imports(parsed(path))}


@in_each(CODE)
def test_optional_packages_are_imported_inside_functions(path):
    assert not top_level_imports(path) & ONLY_WHERE_NEEDED


@in_each([p for p in CODE if room(p) == "evaluate"])
def test_evaluation_knows_no_torch(path):
    assert "torch" not in {found.split(".")[0] for found in imports(parsed(path))}


@in_each(CODE)
def test_files_are_short_and_have_a_name(path):
    assert path.read_text().count("\n") <= 400
    assert not re.search(r"util|helper|misc|common|manager", path.stem)


@in_each(CODE)
def test_function_bodies_stay_readable(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            doc = ast.get_docstring(node, clean=False) or ""
            body = node.end_lineno - node.body[0].lineno + 1 - (doc.count("\n") + 1 if doc else 0)
            assert body <= 30, f"{node.name}: {body} lines"


BLOCK, MOST_REPEATED = 4, 0.07  # lines that stand together in two files, and their share of all lines


def settings_in(path: Path) -> list[str]:
    """Lines of a yaml without comments and without what every composed one has."""
    lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    return [line for line in lines if line not in ("", "defaults:", "- _self_")]


def test_little_of_the_yaml_stands_twice():
    files = [settings_in(path) for path in YAMLS]
    blocks = [{tuple(own[i : i + BLOCK]) for i in range(len(own) - BLOCK + 1)} for own in files]
    twice = {block for block, count in Counter(block for own in blocks for block in own).items() if count > 1}
    repeated = sum(
        any(tuple(own[i : i + BLOCK]) in twice for i in range(max(0, place - BLOCK + 1), place + 1))
        for own in files
        for place in range(len(own))
    )
    assert repeated <= MOST_REPEATED * sum(map(len, files))


def components():
    from candlelab.config import locate

    for path in YAMLS:
        target = (yaml.safe_load(path.read_text()) or {}).get("_target_")
        if target:
            yield pytest.param(locate(target), id=name(path))


@pytest.mark.parametrize("component", list(components()))
def test_the_constructor_is_the_schema(component):
    import inspect

    from candlelab.config.schema import schema_of

    code, named = component.__init__ if inspect.isclass(component) else component, []
    for parameter in inspect.signature(code).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY:
            assert parameter.default is parameter.empty, f"{parameter.name} has a default: the yaml holds it"
            assert parameter.annotation is not parameter.empty, f"{parameter.name} has no type"
            named.append(parameter.name)
    assert list(schema_of(component.__module__, component.__name__).settings) == named, (
        "read from the source, the schema differs"
    )


@in_each([p for p in CODE if room(p) == "data"])
def test_nothing_looks_forward_but_the_labels(path):
    """A negative shift is how pandas reads tomorrow."""
    assert "label" in path.parts or not re.search(r"\.shift\(\s*-|np\.roll\([^)]*,\s*-", path.read_text())


def test_help_imports_nothing_heavy():
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "candlelab", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    loaded = {line.split("|")[-1].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert done.returncode == 0 and "model=" in done.stdout
    assert not loaded & HEAVY


FORBIDDEN = re.compile(
    r"\bpickle\b|joblib\.load|allow_pickle\s*=\s*True|trust_remote_code\s*=\s*True|shell\s*=\s*True|verify\s*=\s*False"
    r"|yaml\.load\(|torch\.load\((?![^)]*weights_only=True)"
)


@in_each(CODE)
def test_nothing_is_unpickled(path):
    assert not FORBIDDEN.search(path.read_text())


@in_each(CODE)
def test_no_parameter_is_typed_object(path):
    annotated = [n for n in ast.walk(parsed(path)) if isinstance(n, (ast.arg, ast.AnnAssign))]
    assert not [n.lineno for n in annotated if isinstance(n.annotation, ast.Name) and n.annotation.id == "object"]


@in_each([*CODE, *YAMLS])
def test_a_document_that_is_cited_is_in_the_repository(path):
    text = path.read_text()
    assert not re.search(r"\bsystem 00\d|(?<![A-Z0-9])METHODS\b|BINANCE_FORMATS|SYSTEMS\.md|DESIGN\.md", text)
    assert all((ROOT / cited).is_file() for cited in re.findall(r"docs/[\w/]+\.md", text))


@in_each([p for p in CODE if room(p) != "core"])
def test_the_columns_of_bars_are_named_once(path):
    assert not re.search(r"\(\s*\"open\",\s*\"high\",\s*\"low\",\s*\"close\"(, \"volume\")?\s*\)", path.read_text())


# Names that these files spell for what is theirs: manifests and pages of other folders, weights of another model.
OTHER_FOLDERS = {
    "candlelab/market/cache.py",
    "candlelab/render/storage/store.py",
    "candlelab/report/study_report.py",
    "candlelab/model/pretrained.py",
}


@in_each([p for p in CODE if p.stem != "run_files"])
def test_no_file_of_a_run_is_spelt_twice(path):
    from candlelab.core import run_files

    files = {
        value
        for key, value in vars(run_files).items()
        if key.isupper() and isinstance(value, str) and "." in value.rsplit("/", 1)[-1][1:]
    }
    spelt = {
        node.value for node in ast.walk(parsed(path)) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert name(path) in OTHER_FOLDERS or not spelt & files, spelt & files


def test_no_two_test_files_have_one_name():
    found = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert not [word for word, count in found.items() if count > 1]


def test_no_two_public_classes_have_one_name():
    found: dict[str, list[str]] = {}
    for path in CODE:
        for node in parsed(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(name(path))
    assert not {word: places for word, places in found.items() if len(places) > 1}


# One contract, several hands: the fills of the raster (CPU, CuPy, torch), and what is run as a program.
ONE_MEANING = {"paint", "main"}


def test_no_two_public_functions_have_one_name_and_two_meanings():
    found: dict[str, list[str]] = {}
    for path in (
        path for path in CODE if name(path) != "candlelab/__init__.py"
    ):  # the front door repeats what it opens
        for node in parsed(path).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(name(path))
    assert not {word: places for word, places in found.items() if len(places) > 1 and word not in ONE_MEANING}


@in_each([p for p in CODE if room(p) != "data"])
def test_nobody_finishes_data_from_outside(path):
    parts = "reads|renderer|batch_size|tokenizer|scaling|indicators|prepared"
    assert not re.search(rf"\b(data|fresh)\.({parts})(, \w+\.\w+)* = |\.__dict__\[\"", path.read_text())


CONSTRUCTORS = ("__init__", "__post_init__", "__new__")


@in_each(CODE)
def test_every_constructor_says_the_types_it_takes(path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef) and node.name in CONSTRUCTORS:
            taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
            assert not [arg.arg for arg in taken[1:] if arg is not None and arg.annotation is None], (
                f"line {node.lineno}"
            )
