"""What a bench has written is signed, verified and weighed; run by the process that wrote it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from gateway.database import Database
from gateway.store.engine import drop_old_pages, read_engine, write_engine
from gateway.store.open_store import OpenStore
from ledger.verify import verify

_PROBLEMS_SHOWN = 3
_BYTES = (
    "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class"
    " WHERE relkind = 'r' AND relname LIKE 'ledger\\_%'"
)


async def checked(database: Database, store: OpenStore) -> dict[str, Any]:
    """{ok, entries, problems, seconds, verified_per_cpu_s, bytes_per_entry}: everything that lies
    in the database, under a checkpoint that covers it. CPU is ours, not a server's."""
    await store.log.publish()
    return await asyncio.to_thread(verified, database, store.log.vkey)


def verified(database: Database, vkey: str) -> dict[str, Any]:
    """The same of a database whose checkpoint is signed."""
    reading, weighing = read_engine(database), write_engine(database)
    try:
        with reading.begin() as connection:
            began, cpu_began = time.perf_counter(), time.thread_time()
            report = verify(connection, vkey)
            seconds, cpu_s = time.perf_counter() - began, time.thread_time() - cpu_began
        entries = report.checked.get("entries", 0)
        stored = database_bytes(database, weighing)
    finally:
        reading.dispose()
        weighing.dispose()
    return {
        "ok": report.ok,
        "entries": entries,
        "problems": [f"{p.code} {p.where}" for p in report.problems[:_PROBLEMS_SHOWN]],
        "seconds": round(seconds, 2),
        "verified_per_cpu_s": round(entries / cpu_s),
        "bytes_per_entry": round(stored / max(entries, 1)),
    }


def database_bytes(database: Database, engine: Engine) -> int:
    """The ledger's tables, their indexes and whatever belongs to them; on SQLite the file."""
    if isinstance(database, Path):
        drop_old_pages(engine)
        return database.stat().st_size
    with engine.begin() as connection:
        return int(connection.execute(text(_BYTES)).scalar_one())
