"""代码核对: no unknown code leaves us, and an unknown one that comes in is kept and told.

Pure. Two things know a code: the profile's `[[dictionary]]`, which says what we understand, and the
region's own dictionary as loaded by 1901, which says what exists. A code that we send must be known
to one of them, and not be withdrawn. What an answer's unknown code decides is settlement.py's.
Which field is coded, and by which dictionary, stands in fields.csv.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Protocol

from adapters.baseline.errors import UnsendableMessage
from adapters.baseline.fields import ENVELOPE, FieldTable
from adapters.baseline.profile import Dictionary
from adapters.baseline.wire import Json, Node
from gateway.domain.dictionary import CodeTable, Standing, code_in_clear

DEPARTMENTS = "dept"
"""科别: codes come from the hospital, of 220 the profile knows one."""

MOST_UNKNOWN = 50
"""Unknown codes told of one answer: one that holds more is noise, and a claim keeps them all."""
MOST_CHARACTERS = 50
"""Kept of a code; the interface's longest has 20. The bytes of the answer are kept whole."""


class KnownCodes(Protocol):
    """What a region's own dictionaries say on one day."""

    def standing(self, kind: str, code: str) -> Standing: ...


@dataclass(frozen=True, slots=True)
class CodesOn:
    """A table on one day."""

    table: CodeTable
    day: date

    def standing(self, kind: str, code: str) -> Standing:
        return self.table.standing(kind, code, self.day)


NOTHING_LOADED = CodesOn(CodeTable(), date.min)


def understood(words: Dictionary) -> Mapping[str, frozenset[str]]:
    """Dictionary → the codes that a profile maps to something of ours, or sends by itself."""
    return {
        "insutype": frozenset(words.schemes),
        "psn_type": frozenset(words.person_kinds),
        "med_type": frozenset(words.visit_kinds.values()),
        "mdtrt_cert_type": frozenset(words.certificates.values()),
        "psn_cert_type": frozenset({words.id_card}),
        "clr_type": frozenset(words.clearing_types),
        "fund_pay_type": frozenset(words.fund_types),
        "stmt_rslt": frozenset(words.statement_results),
        "diag_type": frozenset({words.main_diagnosis, words.other_diagnosis}),
        "psn_setlway": frozenset({words.settlement_way}),
        "dscg_way": frozenset({words.discharge_way}),
        DEPARTMENTS: frozenset({words.department_category}),
    }


def sent(words: Dictionary) -> Mapping[str, frozenset[str]]:
    """Dictionary → the codes of a profile that go out by themselves, whatever a region answered."""
    only_read = {"insutype", "psn_type", "clr_type", "fund_pay_type", "stmt_rslt"}
    return {kind: codes for kind, codes in understood(words).items() if kind not in only_read}


_OURS = frozenset({"insutype", "psn_type", "med_type", "clr_type", "fund_pay_type", "stmt_rslt"})
"""Of these a profile claims to know every code that may come in. Others are judged only where the
region's own dictionary is loaded: we never made a list."""


@dataclass(frozen=True, slots=True)
class FoundCode:
    """A coded field of an answer."""

    field: str
    kind: str
    code: str


class CodeCheck:
    """Both sources of one province on one day."""

    def __init__(self, table: FieldTable, words: Dictionary, known: KnownCodes) -> None:
        self._known = known
        self._understood = understood(words)
        self._coded = {
            key: {place: field.dictionary for place, field in fields.items() if field.dictionary}
            for key, fields in table.rows.items()
        }

    def refuse_unknown(self, infno: str, body: Node, head: Node) -> None:
        """Raises UnsendableMessage for the first code, of input or envelope, that neither source
        knows."""
        for path, kind, code in chain(
            self._codes(infno, "in", body), self._codes(ENVELOPE, "in", head)
        ):
            standing = self._known.standing(kind, code)
            if not self._may_be_sent(kind, code, standing):
                why = "withdrawn by the region" if standing is Standing.WITHDRAWN else "unknown"
                raise UnsendableMessage(
                    infno, path, f"code {code_in_clear(code)} of {kind} is {why}"
                )

    def _may_be_sent(self, kind: str, code: str, standing: Standing) -> bool:
        if standing is Standing.NOT_LOADED and kind in (self._understood.keys() - {DEPARTMENTS}):
            return code in self._understood[kind]
        if standing is Standing.ABSENT:
            return code in self._understood.get(kind, ())
        return standing in (Standing.VALID, Standing.NOT_LOADED)

    def unknown(self, infno: str, output: Node) -> tuple[FoundCode, ...]:
        """What neither source knows, each once, in the order of the field table; no more than
        MOST_UNKNOWN."""
        found: dict[FoundCode, None] = {}
        for path, kind, code in self._codes(infno, "out", output):
            if code in self._understood.get(kind, ()):
                continue
            standing = self._known.standing(kind, code)
            if standing is Standing.ABSENT or (standing is Standing.NOT_LOADED and kind in _OURS):
                found[FoundCode(path.rpartition(".")[2], kind, code)] = None
            if len(found) == MOST_UNKNOWN:
                break
        return tuple(found)

    def _codes(self, infno: str, io: str, body: Node) -> Iterator[tuple[str, str, str]]:
        """(path, dictionary, code) of every coded field that has a value."""
        for (node, name), kind in self._coded.get((infno, io), {}).items():
            for path, record in _records(body, node):
                code = _code(record.get(name))
                # What we send stands as it is: a blank around a code makes it another one.
                code = code if io == "in" else code.strip()
                if code:
                    yield f"{path}.{name}" if path else name, kind, code


def _records(body: Node, node: str) -> Iterator[tuple[str, Node]]:
    """The records of a node; no node name means the body itself."""
    value: Json = body.get(node) if node else body
    if isinstance(value, Mapping):
        yield node, value
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for at, record in enumerate(value):
            if isinstance(record, Mapping):
                yield f"{node}[{at}]", record


def _code(value: Json) -> str:
    """A code as text; what cannot be one is somebody else's business and no code."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
