"""Words to token ids: the built-in vocabulary, a BERT tokenizer from a folder or the Hub, and the copy that a run carries."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from candlelab.core.errors import UserError
from candlelab.core.files import write_text
from candlelab.core.online import hub_silence
from candlelab.data.caption import SPECIAL, VOCABULARY

if TYPE_CHECKING:
    import tokenizers


class Tokenizer(Protocol):
    """Words to ids; `pad` fills the rest of a row.

    name  as tables show it, without a place of this machine; key: what tells two vocabularies of one name apart.
    """

    @property
    def name(self) -> str: ...

    @property
    def key(self) -> str: ...

    @property
    def pad(self) -> int | None: ...

    def __len__(self) -> int: ...

    def many(self, texts: list[str]) -> list[list[int]]: ...

    def words(self, ids: list[int]) -> list[str]: ...

    def save(self, path: Path) -> None: ...


class ClosedTokenizer:
    """The small vocabulary of captions, one id per word, digit or sign; needs no download. Unknown words become [UNK]."""

    name = key = "closed"
    pad: int = VOCABULARY.index("[PAD]")
    _parts = re.compile(r"[a-z]+|\d|[^\sa-z\d]")

    def __init__(self):
        self._ids = {word: k for k, word in enumerate(VOCABULARY)}

    def __len__(self) -> int:
        return len(VOCABULARY)

    def many(self, texts: list[str]) -> list[list[int]]:
        """Ids of each text between [CLS] and [SEP]."""
        find, get = self._parts.findall, self._ids.get
        begin, stop, unknown = (self._ids[word] for word in SPECIAL[1:])
        return [[begin, *(get(part, unknown) for part in find(text.lower())), stop] for text in texts]

    def words(self, ids: list[int]) -> list[str]:
        """Return what each id stands for."""
        return [VOCABULARY[k] for k in ids]

    def save(self, path: Path) -> None:
        """Write nothing: every installation has it."""


class WordPiece:
    """A BERT tokenizer around one of the `tokenizers` library."""

    name: str

    def __init__(self, name: str, inner: tokenizers.Tokenizer):
        inner.no_padding()
        inner.no_truncation()
        self.name, self._inner = name, inner
        self.key: str = hashlib.sha256(inner.to_str().encode()).hexdigest()[:16]
        self.pad: int | None = inner.token_to_id(SPECIAL[0])

    def __len__(self) -> int:
        return self._inner.get_vocab_size()

    def many(self, texts: list[str]) -> list[list[int]]:
        """Ids of each text between [CLS] and [SEP]."""
        return [found.ids for found in self._inner.encode_batch(texts)]

    def words(self, ids: list[int]) -> list[str]:
        """Return what each id stands for; a piece of a word begins with ##."""
        return [str(self._inner.id_to_token(k)) for k in ids]

    def save(self, path: Path) -> None:
        """Write all of it as one tokenizer.json."""
        write_text(path, self._inner.to_str())


def load_tokenizer(name: str) -> Tokenizer:
    """`closed`, or a BERT tokenizer by hub name or local folder; UserError within seconds if it cannot be reached."""
    if name == ClosedTokenizer.name:
        return ClosedTokenizer()
    folder = Path(name).expanduser()
    return WordPiece(folder.name if folder.is_dir() else name, _bert(name).backend_tokenizer)


def stored_tokenizer(name: str, path: Path) -> Tokenizer:
    """The tokenizer that a run carries in its file; runs without the file have the built-in one, or say where theirs is."""
    if not path.exists():
        return load_tokenizer(name)
    from tokenizers import Tokenizer as Inner

    return WordPiece(name, Inner.from_file(str(path)))


def _bert(name: str):
    """A fast BertTokenizer from a folder or the cache, else from the hub."""
    tokenizer = _found(name, local=True)
    if tokenizer is None and Path(name).expanduser().is_dir():
        raise UserError(f"the folder {name} holds no vocab.txt or tokenizer.json; point to a saved BERT tokenizer.")
    if tokenizer is None:
        _require_hub(name)
        tokenizer = _found(name, local=False)
    if tokenizer is None:
        raise UserError(f"the hub has no BERT tokenizer called {name}; use the tokenizer `closed`, or another name.")
    return tokenizer


def _found(place: str, *, local: bool):
    """None if it is not there. Without a vocabulary transformers 5 makes a tokenizer of five special tokens and says nothing."""
    from transformers import BertTokenizer

    try:
        tokenizer = BertTokenizer.from_pretrained(place, local_files_only=local)
    except OSError:
        return None
    return tokenizer if len(tokenizer) > len(SPECIAL) + 1 else None


def _require_hub(name: str) -> None:
    """Raise UserError unless the hub answers."""
    why = hub_silence()
    if why is None:
        return
    raise UserError(
        f"the tokenizer {name} could not be reached ({why}): train from scratch with model.net.pretrained=false, "
        "or give a local folder that holds the weights and the tokenizer with model.net.pretrained=FOLDER."
    )
