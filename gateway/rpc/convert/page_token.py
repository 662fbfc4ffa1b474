"""Page tokens: where the next page begins, and of which question.

A token is opaque to callers: base64url of a version byte, eight bytes of a hash of the filters, and
the place. It is not secret and grants nothing: every page is filtered by the caller's identity.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from gateway.rpc.convert.findings import Findings

_VERSION = b"\x01"
_HASH_BYTES = 8
_PLACE_MAX = 100


def make_token(filters: tuple[str, ...], place: str) -> str:
    """The token of the page that begins at `place`; empty if there is none."""
    if not place:
        return ""
    raw = _VERSION + _hash(filters) + place.encode("ascii")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def read_token(found: Findings, field: str, token: str, filters: tuple[str, ...]) -> str:
    """The place of a token; empty for the first page. Adds PAGE_TOKEN or FILTERS_CHANGED."""
    if not token:
        return ""
    raw = _decode(token)
    place = raw[1 + _HASH_BYTES :]
    if raw[:1] != _VERSION or not place or not place.isascii() or len(place) > _PLACE_MAX:
        found.add(field, "PAGE_TOKEN", "翻页标记无效,请从第一页重新查询。")
        return ""
    if raw[1 : 1 + _HASH_BYTES] != _hash(filters):
        found.add(field, "FILTERS_CHANGED", "翻页时查询条件已改变,请从第一页重新查询。")
        return ""
    return place.decode("ascii")


def _decode(token: str) -> bytes:
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        return b""


def _hash(filters: tuple[str, ...]) -> bytes:
    # Length-prefixed, so that no two questions run into the same bytes.
    text = "".join(f"{len(part)}:{part}" for part in filters)
    return hashlib.sha256(text.encode()).digest()[:_HASH_BYTES]
