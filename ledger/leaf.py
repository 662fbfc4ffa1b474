"""叶子: the exact bytes that the log holds for one event.

Pure. A leaf says what happened to which entry, in which clearing window and which funds, and
commits to the rest; it holds no amount and no person. The bytes are written once, hashed as stored
and never made again from parts:

    yrd.leaf.v1\\n{"commitment":"<hex>","entry_id":"…","funds":["pooled"],"seal":"<hex>",…}

one line of prefix, then canonical ASCII JSON with sorted keys; absent values are left out.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

LEAF_MAX = 0xFFFF
"""Most bytes of a leaf: what an entry bundle's uint16 length can say (C2SP tlog-tiles)."""
_PREFIX_TEXT = "yrd.leaf.v1\n"
_PREFIX = _PREFIX_TEXT.encode()
_BETWEEN = '","'

_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,5}", re.ASCII)
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}", re.ASCII)
_WINDOW = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)
_FUND = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KEYS = frozenset({"commitment", "entry_id", "funds", "seal", "type", "window"})


class LeafError(ValueError):
    """Bytes or values that are no leaf."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf. `to_bytes` and `parse` are exact inverses."""

    type: str
    """What happened: entry.pending, entry.posted, …; evidence without postings has its own."""
    entry_id: str
    """Whom it happened to: the entry's id, or the id of the record that the evidence is about."""
    commitment: str
    """64 lower-case hex digits: ledger.commitment.commit(salt, body)."""
    window: str | None = None
    """清算期 to which the amounts belong, e.g. 2026-11."""
    funds: tuple[str, ...] = ()
    """Funds concerned, sorted, for a mirror that follows one fund."""
    seal: str | None = None
    """Commitment to the journal entry itself (ledger.seal), set by the store when it has a salt."""

    def __post_init__(self) -> None:
        _match(_TYPE, self.type, "type")
        _match(_ID, self.entry_id, "entry_id")
        _match(_HASH, self.commitment, "commitment")
        if self.window is not None:
            _match(_WINDOW, self.window, "window")
        if self.seal is not None:
            _match(_HASH, self.seal, "seal")
        for fund in self.funds:
            _match(_FUND, fund, "funds")
        if list(self.funds) != sorted(set(self.funds)):
            raise LeafError("the funds of a leaf are sorted and named once")

    def to_bytes(self, *, seal: str | None = None) -> bytes:
        """The bytes to store and hash, with this seal if the leaf has none of its own. Raises
        LeafError over 65535 bytes."""
        # All parts are plain characters by now: canonical JSON is these texts between quotation
        # marks. A property test compares with ledger.commitment.canonical_json.
        seal = self.seal or seal
        funds = f'"funds":["{_BETWEEN.join(self.funds)}"],' if self.funds else ""
        sealed = "" if seal is None else f'"seal":"{seal}",'
        window = "" if self.window is None else f',"window":"{self.window}"'
        data = (
            f'{_PREFIX_TEXT}{{"commitment":"{self.commitment}","entry_id":"{self.entry_id}",{funds}'
            f'{sealed}"type":"{self.type}"{window}}}'
        ).encode("ascii")
        if len(data) > LEAF_MAX:
            raise LeafError(f"a leaf has at most {LEAF_MAX} bytes")
        return data

    @classmethod
    def parse(cls, data: bytes) -> Leaf:
        """The leaf with exactly these bytes. Raises LeafError for any other spelling."""
        if not data.startswith(_PREFIX) or len(data) > LEAF_MAX:
            raise LeafError("a leaf begins with yrd.leaf.v1 and has at most 65535 bytes")
        try:
            value = json.loads(data[len(_PREFIX) :].decode("ascii"))
        except (ValueError, RecursionError) as error:
            raise LeafError("a leaf holds ASCII JSON") from error
        if not isinstance(value, dict) or not value.keys() <= _KEYS:
            raise LeafError("a leaf is one JSON object of known keys")
        leaf = _from_object(value)
        if leaf.to_bytes() != data:
            raise LeafError("a leaf has one spelling: sorted keys, no spaces, nothing twice")
        return leaf


def _from_object(value: dict[str, object]) -> Leaf:
    funds = value.get("funds", [])
    if not isinstance(funds, list) or not all(isinstance(fund, str) for fund in funds):
        raise LeafError("the funds of a leaf are a list of names")
    return Leaf(
        type=_text(value, "type"),
        entry_id=_text(value, "entry_id"),
        commitment=_text(value, "commitment"),
        window=_text(value, "window") if "window" in value else None,
        funds=tuple(funds),
        seal=_text(value, "seal") if "seal" in value else None,
    )


def _text(value: dict[str, object], key: str) -> str:
    text = value.get(key)
    if not isinstance(text, str):
        raise LeafError(f"the {key} of a leaf is missing or no text")
    return text


def _match(pattern: re.Pattern[str], text: str, name: str) -> None:
    if not pattern.fullmatch(text):
        raise LeafError(f"the {name} of a leaf is malformed")
