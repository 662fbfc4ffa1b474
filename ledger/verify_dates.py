"""查账 · 有效期: was every key good when it signed?

A checkpoint holds no time. Its time is what witnesses say who cosigned it; where nobody did, the
time of signing that our own database keeps, for which nobody else vouches: the finding says which.
Part of ledger.verify, which holds the snapshot and the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import groupby

from sqlalchemy import Connection, select

from ledger.cosignature import CosignatureVerifier, read_times
from ledger.history import LogHistory
from ledger.note import KeyMalformed, NoteInvalid
from ledger.policy import ALWAYS, KeyDates
from ledger.report import Findings
from ledger.tables import CHECKPOINT, COSIGNATURE

RENEW = "Find out who signed after the date; go on under a new key (yrd log restart)."
ASK_WITNESS = "It counts for nobody: ask the witness for its present key and change the settings."
_SIGNED = (
    select(CHECKPOINT.c.size, CHECKPOINT.c.signed_us, COSIGNATURE.c.witness, COSIGNATURE.c.line)
    .select_from(CHECKPOINT.outerjoin(COSIGNATURE, COSIGNATURE.c.size == CHECKPOINT.c.size))
    .order_by(CHECKPOINT.c.size, COSIGNATURE.c.witness)
)


def check_dates(
    connection: Connection,
    findings: Findings,
    history: LogHistory,
    witnesses: Mapping[str, KeyDates],
) -> None:
    """Of the logs' keys by `history`, and of the witnesses' by vkey. Signatures are checked
    elsewhere; nothing is read where no key has a date."""
    dated = {history.dates, *(log.dates for log in history.closed), *witnesses.values()}
    if dated <= {ALWAYS}:
        return
    rows = connection.execute(_SIGNED, execution_options={"yield_per": 1000})
    for size, group in groupby(rows, key=lambda row: row[0]):
        times: list[tuple[str, int]] = []
        signed_us = 0
        for _, signed_us, vkey, line in group:  # noqa: B007  # the same in every row of a group
            times += _times(vkey, line)
        findings.count("dated")
        _check_witnesses(findings, size, times, witnesses)
        good = [at for vkey, at in times if witnesses.get(vkey, ALWAYS).hold(at)]
        dates = history.dates_of(size)
        seconds = good or [signed_us // 1_000_000]
        if not any(dates.hold(at) for at in seconds):
            who = "by the time of its witnesses" if good else (
                "by the stored time of signing, for which no witness vouches"
            )  # fmt: skip
            when = ", ".join(sorted({_moment(at) for at in seconds}))
            what = f"signed {when} ({who}); {history.key_of(size).name} is good for {dates}"
            findings.add("LOG_KEY_OUT_OF_DATE", f"ledger_checkpoint {size}", what, RENEW)


def _check_witnesses(
    findings: Findings,
    size: int,
    times: list[tuple[str, int]],
    witnesses: Mapping[str, KeyDates],
) -> None:
    for vkey, at in times:
        dates = witnesses.get(vkey, ALWAYS)
        if not dates.hold(at):
            name = vkey.partition("+")[0]
            what = f"{name} cosigned {_moment(at)}; its key is good for {dates}"
            where = f"ledger_cosignature {size}"
            findings.add("WITNESS_KEY_OUT_OF_DATE", where, what, ASK_WITNESS)


def _times(vkey: str | None, line: str | None) -> list[tuple[str, int]]:
    """When this witness says that it signed; nothing for a line that ledger.verify refuses."""
    if vkey is None or line is None:
        return []
    try:
        return [(vkey, at) for at in read_times(line, CosignatureVerifier.from_vkey(vkey))]
    except (KeyMalformed, NoteInvalid):
        return []


def _moment(at: int) -> str:
    # What a row says may lie beyond all calendars.
    if not -62_135_596_800 <= at <= 253_402_300_799:
        return f"second {at}"
    return datetime.fromtimestamp(at, UTC).isoformat()
