"""What a bench has written is signed, verified and weighed; run by the process that wrote it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, text

from gateway.clock import SystemClock
from gateway.database import Database
from gateway.ids import SystemIds
from gateway.store.engine import drop_old_pages, read_engine, write_engine
from ledger.note import NoteSigner
from ledger.publish import sign_checkpoint
from ledger.verify import verify

ORIGIN = "bench.yrd.example/ledger"
_PROBLEMS_SHOWN = 3
_BYTES = (
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class"
    " WHERE relkind = 'r' AND relname LIKE 'ledger\\_%'"
)


def checked(database: Database) -> dict[str, Any]:
    """{ok, entries, problems, seconds, bytes_per_entry}: everything that lies in the database."""
    signer = NoteSigner.from_seed(ORIGIN, SystemIds().salt())
    writing, reading = write_engine(database), read_engine(database)
    try:
        with writing.begin() as connection:
            sign_checkpoint(connection, signer, at=SystemClock().now())
        with reading.begin() as connection:
            began = time.perf_counter()
            report = verify(connection, signer.vkey)
            seconds = time.perf_counter() - began
        entries = report.checked.get("entries", 0)
        stored = database_bytes(database, writing)
    finally:
        reading.dispose()
        writing.dispose()
    return {
        "ok": report.ok,
        "entries": entries,
        "problems": [f"{p.code} {p.where}" for p in report.problems[:_PROBLEMS_SHOWN]],
        "seconds": round(seconds, 2),
        "bytes_per_entry": round(stored / max(entries, 1)),
    }


def database_bytes(database: Database, engine: Engine) -> int:
    """Tables, indexes and whatever belongs to them; on SQLite the file."""
    if isinstance(database, Path):
        drop_old_pages(engine)
        return database.stat().st_size
    with engine.begin() as connection:
        return _postgresql_bytes(connection)


def _postgresql_bytes(connection: Connection) -> int:
    return int(connection.execute(text(_BYTES)).scalar_one())
