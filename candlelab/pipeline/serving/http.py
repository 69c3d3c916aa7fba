"""JSON over HTTP of a served run: what a request may hold, and the status that each mistake gets."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from candlelab.core.errors import UserError
from candlelab.pipeline.serving.desk import LARGEST_CSV, Desk

LARGEST_BODY = 2 * LARGEST_CSV  # bytes: base64 takes a third more
KEYS = ("picture", "candles")


def json_answer(desk: Desk, body: bytes) -> tuple[int, dict[str, Any]]:
    """Return (HTTP status, answer) to the body of POST /answer.

    body  JSON with one of `picture` (base64 of a PNG, JPEG, WEBP or BMP file) and `candles` (the text of a csv file), and
          perhaps `name`. 200: the answer; 400 and {"error": sentence}: a mistake of who asks; 413: too large.
    """
    if len(body) > LARGEST_BODY:
        return 413, {"error": f"the request has {len(body):,} bytes: send at most {LARGEST_BODY:,}"}
    try:
        asked = json.loads(body)
        json.dumps(asked, ensure_ascii=False).encode()  # fails on half a letter, which no answer could repeat
    except (ValueError, RecursionError):
        return 400, {"error": 'the request is no JSON: send {"picture": "<base64>"} or {"candles": "<csv>"}'}
    given = [key for key in KEYS if isinstance(asked, dict) and isinstance(asked.get(key), str)]
    if len(given) != 1:
        return 400, {"error": 'send one of "picture" (base64 of an image file) and "candles" (the text of a csv file)'}
    name = asked.get("name")
    try:
        return 200, _answered(desk, given[0], asked[given[0]], name if isinstance(name, str) else given[0])
    except UserError as error:
        return 400, {"error": str(error)}


def _answered(desk: Desk, what: str, text: str, name: str) -> dict[str, Any]:
    if what == "candles":
        return desk.candles(text.encode(), name[:100])
    try:
        data = base64.b64decode(text.partition("base64,")[2] or text, validate=True)
    except (binascii.Error, ValueError):
        raise UserError("'picture' is no base64: send the bytes of an image file that way") from None
    return desk.picture(data, name[:100])
