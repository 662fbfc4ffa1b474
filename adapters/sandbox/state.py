"""平台状态: one platform's SQLite file: people, accounts, accumulators, visits, settlements.

A transaction is committed (WAL, synchronous=FULL) before its answer leaves. Knows SQL, not the
wire. Amounts are integer fen.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from adapters.sandbox.records import (
    Booked,
    Insured,
    Line,
    Person,
    Settlement,
    StoredAnswer,
    StoredFile,
    Visit,
)

_SCHEMA = Path(__file__).with_name("schema.sql")


class State:
    """The database of one platform; one connection, one writer."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.executescript(_SCHEMA.read_text(encoding="utf-8"))

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is durable on leaving, or nothing of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undoes a refused transaction's writes while the message itself stays recorded."""
        self._db.execute("SAVEPOINT business")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK TO business")
            self._db.execute("RELEASE business")
            raise
        self._db.execute("RELEASE business")

    def clear(self) -> None:
        """Forgets everything but the counters: no number is given twice."""
        self._db.execute("PRAGMA foreign_keys=OFF")
        with self.transaction():
            for (table,) in self._db.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' "
                "AND name <> 'counters'"
            ).fetchall():
                self._db.execute(f"DELETE FROM {table}")
        self._db.execute("PRAGMA foreign_keys=ON")

    def next_number(self, name: str) -> int:
        row = self._db.execute(
            "INSERT INTO counters VALUES (?, 1) "
            "ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name,),
        ).fetchone()
        return int(row[0])

    # -- people ---------------------------------------------------------------------------------

    def is_empty(self) -> bool:
        return self._db.execute("SELECT 1 FROM persons LIMIT 1").fetchone() is None

    def add_person(self, person: Person) -> None:
        self._db.execute(
            "INSERT INTO persons VALUES (?,?,?,?,?,?,?,?)",
            (
                person.psn_no,
                person.certno,
                person.token,
                person.card_no,
                person.name,
                person.gend,
                person.brdy,
                person.filed,
            ),
        )

    def add_insured(self, row: Insured, baselines: Mapping[str, int]) -> None:
        self._db.execute(
            "INSERT INTO insured VALUES (?,?,?,?,?,?,?)",
            (
                row.psn_no,
                row.insutype,
                row.area,
                row.kind,
                row.status,
                row.employer,
                row.balance_fen,
            ),
        )
        self._db.executemany(
            "INSERT INTO baselines VALUES (?,?,?,?)",
            [(row.psn_no, row.insutype, code, value) for code, value in baselines.items()],
        )

    def person(self, psn_no: str) -> Person | None:
        return self._one_person("psn_no", psn_no)

    def person_by_certificate(self, cert_type: str, number: str) -> Person | None:
        """mdtrt_cert_type 01 token, 02 identity number, 03 card number."""
        column = {"01": "token", "02": "certno", "03": "card_no"}.get(cert_type)
        return self._one_person(column, number) if column else None

    def _one_person(self, column: str, value: str) -> Person | None:
        row = self._db.execute(f"SELECT * FROM persons WHERE {column} = ?", (value,)).fetchone()
        return Person(**row) if row else None

    def insured_rows(self, psn_no: str) -> list[Insured]:
        rows = self._db.execute(
            "SELECT * FROM insured WHERE psn_no = ? ORDER BY insutype, area", (psn_no,)
        )
        return [Insured(**row) for row in rows]

    def move_balance(self, row: Settlement, change_fen: int) -> None:
        """The CHECK on balance_fen refuses an overdraft."""
        self._db.execute(
            "UPDATE insured SET balance_fen = balance_fen + ? "
            "WHERE psn_no = ? AND insutype = ? AND area = ?",
            (change_fen, row.psn_no, row.insutype, row.area),
        )

    def accumulators(self, psn_no: str, insutype: str, year: str) -> dict[str, int]:
        """Code → value in that insurance year, what was used before included."""
        found: dict[str, int] = {}
        for code, value in self._db.execute(
            "SELECT code, value FROM baselines WHERE psn_no = ? AND insutype = ? UNION ALL "
            "SELECT code, value FROM accumulators WHERE psn_no = ? AND insutype = ? AND year = ?",
            (psn_no, insutype, psn_no, insutype, year),
        ):
            found[code] = found.get(code, 0) + value
        return found

    def move_accumulators(self, row: Settlement, sign: int) -> None:
        self._db.executemany(
            "INSERT INTO accumulators VALUES (?,?,?,?,?) ON CONFLICT (psn_no, insutype, year, code)"
            " DO UPDATE SET value = value + excluded.value",
            [
                (row.psn_no, row.insutype, row.year, code, sign * change)
                for code, change in row.moves.items()
            ],
        )

    # -- visits and lines -----------------------------------------------------------------------

    def add_visit(self, visit: Visit) -> None:
        self._db.execute(
            "INSERT INTO visits VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                visit.mdtrt_id,
                visit.inpatient,
                visit.psn_no,
                visit.insutype,
                visit.area,
                visit.visited_area,
                visit.institution,
                visit.number,
                visit.med_type,
                visit.began,
                visit.ended,
                visit.msgid,
                visit.cancelled,
            ),
        )

    def visit(self, mdtrt_id: str) -> Visit | None:
        return self._one_visit("mdtrt_id", mdtrt_id)

    def visit_by_msgid(self, msgid: str) -> Visit | None:
        return self._one_visit("msgid", msgid)

    def _one_visit(self, column: str, value: str) -> Visit | None:
        row = self._db.execute(f"SELECT * FROM visits WHERE {column} = ?", (value,)).fetchone()
        if row is None:
            return None
        fields = dict(row)
        fields |= {flag: bool(fields[flag]) for flag in ("inpatient", "cancelled")}
        return Visit(**fields)

    def describe_visit(self, mdtrt_id: str, med_type: str, began: str) -> None:
        self._db.execute(
            "UPDATE visits SET med_type = ?, began = ? WHERE mdtrt_id = ?",
            (med_type, began, mdtrt_id),
        )

    def end_visit(self, mdtrt_id: str, ended: str) -> None:
        self._db.execute("UPDATE visits SET ended = ? WHERE mdtrt_id = ?", (ended, mdtrt_id))

    def cancel_visit(self, mdtrt_id: str) -> None:
        self._db.execute("UPDATE visits SET cancelled = 1 WHERE mdtrt_id = ?", (mdtrt_id,))

    def add_line(self, line: Line) -> None:
        self._db.execute(
            "INSERT INTO lines VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                line.mdtrt_id,
                line.feedetl_sn,
                line.batch,
                line.item,
                line.day,
                line.approval,
                line.quantity,
                line.price,
                line.refund_of,
                line.total_fen,
                line.own_fen,
                line.over_fen,
                line.preself_fen,
                line.inscp_fen,
                line.setl_id,
            ),
        )

    def lines(self, mdtrt_id: str) -> list[Line]:
        rows = self._db.execute(
            "SELECT * FROM lines WHERE mdtrt_id = ? ORDER BY rowid", (mdtrt_id,)
        )
        return [Line(**row) for row in rows]

    def drop_unsettled_lines(self, mdtrt_id: str, column: str, value: str) -> int:
        """column is `batch` or `feedetl_sn`; value "0000" means all of them."""
        return self._db.execute(
            "DELETE FROM lines WHERE mdtrt_id = ? AND setl_id = '' "
            f"AND (? = '0000' OR {column} = ?)",
            (mdtrt_id, value, value),
        ).rowcount

    # -- settlements ----------------------------------------------------------------------------

    def settlement(self, setl_id: str) -> Settlement | None:
        return self._one_settlement("setl_id", setl_id)

    def settlement_by_msgid(self, msgid: str) -> Settlement | None:
        return self._one_settlement("msgid", msgid)

    def _one_settlement(self, column: str, value: str) -> Settlement | None:
        query = f"SELECT * FROM settlements WHERE {column} = ?"
        row = self._db.execute(query, (value,)).fetchone()
        return _settlement(row) if row else None

    def settlements(self) -> list[Settlement]:
        rows = self._db.execute("SELECT * FROM settlements ORDER BY rowid")
        return [_settlement(row) for row in rows]

    def settlements_of(self, mdtrt_id: str) -> list[Settlement]:
        rows = self._db.execute(
            "SELECT * FROM settlements WHERE mdtrt_id = ? ORDER BY rowid", (mdtrt_id,)
        )
        return [_settlement(row) for row in rows]

    def add_settlement(self, row: Settlement) -> None:
        """Insert; account, accumulators and lines are moved by the caller in this transaction."""
        self._db.execute(
            "INSERT INTO settlements VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                row.setl_id,
                row.msgid,
                row.infno,
                row.mdtrt_id,
                row.batch,
                row.psn_no,
                row.insutype,
                row.area,
                row.year,
                row.setl_time,
                json.dumps(dict(row.amounts)),
                json.dumps(dict(row.moves)),
                row.cancels,
                row.reversed_by,
            ),
        )

    def mark_reversed(self, setl_id: str, by: str) -> None:
        self._db.execute("UPDATE settlements SET reversed_by = ? WHERE setl_id = ?", (by, setl_id))

    def mark_lines(self, mdtrt_id: str, batch: str, setl_id: str) -> None:
        """Unsettled lines of a batch ("" = all of the stay) become part of a settlement."""
        self._db.execute(
            "UPDATE lines SET setl_id = ? WHERE mdtrt_id = ? AND setl_id = '' "
            "AND (? = '' OR batch = ?)",
            (setl_id, mdtrt_id, batch, batch),
        )

    def release_lines(self, setl_id: str) -> None:
        self._db.execute("UPDATE lines SET setl_id = '' WHERE setl_id = ?", (setl_id,))

    # -- messages -------------------------------------------------------------------------------

    def message(self, msgid: str) -> tuple[str, str, StoredAnswer] | None:
        """(infno, digest, answer) of a message seen before."""
        row = self._db.execute("SELECT * FROM messages WHERE msgid = ?", (msgid,)).fetchone()
        return (row["infno"], row["digest"], _stored(row)) if row else None

    def last_answer(self, infno: str, before: str) -> StoredAnswer | None:
        """The previous successful answer to the same transaction, another message's."""
        row = self._db.execute(
            "SELECT * FROM messages WHERE infno = ? AND msgid <> ? AND infcode = 0 "
            "ORDER BY rowid DESC LIMIT 1",
            (infno, before),
        ).fetchone()
        return _stored(row) if row else None

    def record_message(self, msgid: str, infno: str, digest: str, answer: StoredAnswer) -> None:
        self._db.execute(
            "INSERT INTO messages VALUES (?,?,?,1,?,?,?,?) "
            "ON CONFLICT (msgid) DO UPDATE SET times = times + 1",
            (msgid, infno, digest, answer.refmsgid, answer.infcode, answer.err_msg, answer.output),
        )

    def message_counts(self) -> list[tuple[str, str, int]]:
        rows = self._db.execute("SELECT infno, msgid, times FROM messages ORDER BY rowid")
        return [(row[0], row[1], row[2]) for row in rows]

    def bar(self, msgid: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO barred VALUES (?)", (msgid,))

    def is_barred(self, msgid: str) -> bool:
        row = self._db.execute("SELECT 1 FROM barred WHERE msgid = ?", (msgid,)).fetchone()
        return row is not None

    # -- statements -----------------------------------------------------------------------------

    def booked(self, institution: str, first_day: str, last_day: str) -> list[Booked]:
        """By the day of setl_time, both days within."""
        rows = self._db.execute(
            "SELECT s.*, v.inpatient FROM settlements s JOIN visits v USING (mdtrt_id) "
            "WHERE v.institution = ? AND s.setl_time BETWEEN ? AND ? ORDER BY s.rowid",
            (institution, f"{first_day} 00:00:00", f"{last_day} 23:59:59"),
        )
        return [_booked(row) for row in rows]

    def add_file(self, file: StoredFile) -> None:
        self._db.execute(
            "INSERT INTO files VALUES (?,?,?,?,?)",
            (file.query_no, file.institution, file.filename, file.until, file.data),
        )

    def file(self, query_no: str) -> StoredFile | None:
        row = self._db.execute("SELECT * FROM files WHERE query_no = ?", (query_no,)).fetchone()
        return StoredFile(**row) if row else None

    def drop_files(self, ended_before: str) -> None:
        self._db.execute("DELETE FROM files WHERE until < ?", (ended_before,))

    # -- the visited side -----------------------------------------------------------------------

    def visited_row(self, setl_sn: str, negative: bool) -> str | None:
        row = self._db.execute(
            "SELECT row FROM visited_settlements WHERE setl_sn = ? AND negative = ?",
            (setl_sn, negative),
        ).fetchone()
        return str(row[0]) if row else None

    def record_visited(self, setl_sn: str, negative: bool, row: str) -> None:
        self._db.execute(
            "INSERT INTO visited_settlements VALUES (?,?,?,1) "
            "ON CONFLICT (setl_sn, negative) DO UPDATE SET times = times + 1",
            (setl_sn, negative, row),
        )

    def visited_rows(self) -> list[tuple[str, bool, str, int]]:
        rows = self._db.execute("SELECT * FROM visited_settlements ORDER BY rowid")
        return [(row[0], bool(row[1]), row[2], row[3]) for row in rows]


def _settlement(row: sqlite3.Row) -> Settlement:
    fields = dict(row)
    fields["amounts"] = json.loads(fields["amounts"])
    fields["moves"] = json.loads(fields["moves"])
    return Settlement(**fields)


def _booked(row: sqlite3.Row) -> Booked:
    amounts = json.loads(row["amounts"])
    total = amounts["total"]
    return Booked(
        setl_id=row["setl_id"],
        msgid=row["msgid"],
        mdtrt_id=row["mdtrt_id"],
        psn_no=row["psn_no"],
        insutype=row["insutype"],
        inpatient=bool(row["inpatient"]),
        amounts=(total, amounts["fund"], amounts["acct"]),
        refund=total < 0 or (total == 0 and bool(row["cancels"])),
    )


def _stored(row: sqlite3.Row) -> StoredAnswer:
    return StoredAnswer(row["refmsgid"], row["infcode"], row["err_msg"], row["output"])
