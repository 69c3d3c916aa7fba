"""What is said of the words of a command that cannot be read or merged."""

from __future__ import annotations

from candlelab.config.catalogue import groups
from candlelab.core.errors import ConfigError

MISSING = "MissingMandatoryValue while resolving interpolation: Missing mandatory value:"
NOT_MERGED = {
    "Cannot merge DictConfig with ListConfig": "a list such as [a,b]",
    "Cannot merge ListConfig with DictConfig": "a group of settings",
}
ROOT = ("seed", "study", "name", "outputs", "resume", "pretrained", "bench")


def spelled_out(words: list[str]) -> list[str]:
    """Return the words of a command with `verify FOLDER` read as task=verify task.run=FOLDER: what is handed to a stranger is short."""
    if words[:1] != ["verify"]:
        return words
    if len(words) < 2 or "=" in words[1]:
        raise ConfigError("verify takes the folder of a run or one of its files: python -m candlelab verify FOLDER")
    quoted = words[1].replace("\\", "\\\\").replace("'", "\\'")
    return ["task=verify", f"task.run='{quoted}'", *words[2:]]


def unreadable(word: str) -> str:
    """Return what to write instead of a word that is no override."""
    option = [f"{group}={word}" for group, options in groups().items() if word in options]
    if option:
        return f"'{word}' cannot be read: write {option[-1]}"
    return f"'{word}' cannot be read: write key=value without spaces around =, and quote values with spaces or commas"


def is_text(word: str) -> bool:
    """Return whether a word is text, not bytes that the shell passed on as they were."""
    try:
        word.encode()
    except UnicodeEncodeError:
        return False
    return True


def words_of(error: Exception) -> str:
    """Return what Hydra or OmegaConf says, in one line and without its search path."""
    text = " ".join(str(error).split("Config search path")[0].split())
    for cause, stands in NOT_MERGED.items():
        if cause in str(error.__cause__ or error):
            return f"{text.removeprefix('Error merging override ')}: expected {stands}"
    if text.startswith("Error merging override") and error.__cause__ is not None:
        text = f"{text.removeprefix('Error merging override ')}: {' '.join(str(error.__cause__).split())}"
    return text.split(" full_key:")[0].replace(MISSING, "a value of ??? is none: give")


def dashed(words: list[str]) -> str | None:
    """Return what to write instead of the first setting that was given with dashes; None where there is none."""
    for word in words:
        bare = word.lstrip("-")
        key, equals, _ = bare.partition("=")
        if word[:1] == "-" and equals and (key in ROOT or key.split(".")[0] in groups() or key in groups()):
            return f"'{word}' is no flag: settings take no dashes, write {bare}"
    return None
