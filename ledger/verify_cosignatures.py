"""查账 · 见证: every kept cosignature against the checkpoint that it is of.

A row names its witness by vkey, so that its signature can be checked without knowing whom we trust;
whether enough of the right witnesses signed is ledger.policy's question. Not covered: received_us,
which is for people. Part of ledger.verify, which holds the snapshot and the report.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from ledger.cosignature import CosignatureVerifier, read_answer
from ledger.note import KeyMalformed, NoteInvalid
from ledger.report import INVESTIGATE, Findings
from ledger.tables import CHECKPOINT, COSIGNATURE

_COSIGNATURES = (
    select(COSIGNATURE.c.size, COSIGNATURE.c.witness, COSIGNATURE.c.line, CHECKPOINT.c.note)
    .select_from(COSIGNATURE.outerjoin(CHECKPOINT, CHECKPOINT.c.size == COSIGNATURE.c.size))
    .order_by(COSIGNATURE.c.size, COSIGNATURE.c.witness)
)


def check_cosignatures(connection: Connection, findings: Findings) -> None:
    """Each has a checkpoint, a witness that is a key, and that key's signature over the note."""
    rows = connection.execute(_COSIGNATURES, execution_options={"yield_per": 1000})
    for size, vkey, line, note in rows:
        where = f"ledger_cosignature {size}"
        findings.count("cosignatures")
        if note is None:
            what = "there is no checkpoint of this size"
            findings.add("COSIGNATURE_ASTRAY", where, what, INVESTIGATE)
            continue
        try:
            kept = read_answer(note, line, CosignatureVerifier.from_vkey(vkey))
        except (KeyMalformed, NoteInvalid) as error:
            findings.add("COSIGNATURE_INVALID", where, str(error), INVESTIGATE)
            continue
        if [cosignature.line for cosignature in kept] != [line]:
            what = "the row holds more than the one line of its witness"
            findings.add("COSIGNATURE_INVALID", where, what, INVESTIGATE)
