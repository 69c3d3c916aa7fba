"""A package of somebody else, as task=scaffold writes it, installed as pip would: a folder on the path and a dist-info."""

from pathlib import Path

from candlelab.task.scaffold import files_of

QUICK = (
    "trainer.progress=none",
    "trainer.max_epochs=1",
    "trainer.checkpoint_minutes=0",
    "model.image_size=16",
    "data.source.bars=420",
    "data.window=8",
    "evaluate.n_bootstrap=2",
    "evaluate.n_permutations=2",
    "evaluate.threshold.n_bootstrap=2",
)


def written(folder: Path, name: str) -> Path:
    """Write the package below a folder and return the folder that belongs on the path."""
    for path, text in files_of(name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def installed(folder: Path, name: str, version: str = "0.1.0") -> Path:
    """Write the package with the metadata that an installer leaves beside it."""
    written(folder, name)
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[candlelab.extensions]\n{name} = {name}\n")
    return folder
