"""Databases as the code of an earlier revision really wrote them: kept as lines, loaded by SQL.

tests/golden/migrations/REVISION.jsonl holds the rows of a ledger that was written before the next
migration existed. Whoever adds a migration first writes the file of the revision they found:

    python -m tests.integration.store.old_databases

(for the first ones this ran on the sources of that time). No key lies in a file: all are derived
from their names, and good for nothing else.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from gateway.domain.claim import ClaimEvent
from gateway.domain.claim_record import ClaimRecord
from gateway.ports import Opening
from gateway.store.engine import read_engine, write_engine
from gateway.store.erasure import erase_subject
from gateway.store.migrate import REVISIONS, migrate_database
from gateway.store.open_store import OpenStore
from ledger.checkpoint import NoteSigner
from tests.integration.store.house import HOSPITAL, NOON, ORIGIN, opened, options
from tests.integration.store.lives import all_lives, lived

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "migrations"
FULL_TILE = 256
WITNESS = "witness.example/old"
Line = dict[str, Any]


def seed(name: str) -> bytes:
    """32 bytes that anybody can derive."""
    return sha256(b"yrd: a key for old databases in tests: " + name.encode()).digest()


def log_key() -> NoteSigner:
    """The signing key of every old log."""
    return NoteSigner.from_seed(ORIGIN, seed("log"))


def write_keys(directory: Path) -> str:
    """The key files of every old database; answers the log's vkey."""
    directory.mkdir(mode=0o700, parents=True)
    names = ("kek", "index", "subject", "request-hash")
    keys = {name: seed(name).hex() for name in names} | {"log-signing": log_key().skey}
    for name, line in keys.items():
        path = directory / name
        path.touch(mode=0o600)
        path.write_text(f"{line}\n", encoding="ascii")
    return log_key().vkey


def read(revision: str) -> list[Line]:
    """The lines: first what is told about the database, then its rows in the order of writing."""
    lines = (GOLDEN / f"{revision}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def load(connection: Connection, lines: list[Line]) -> None:
    """Write the rows into an empty database of their revision."""
    connection.execute(text("DELETE FROM ledger_head"))
    for line in lines[1:]:
        row = {name: _decoded(value) for name, value in line["row"].items()}
        columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO {line['table']} ({columns}) VALUES ({values})"), row)


def rows(connection: Connection, columns: Mapping[str, list[str]]) -> dict[str, list[Any]]:
    """Of each table these columns, in a fixed order."""
    found: dict[str, list[Any]] = {}
    for table, names in columns.items():
        query = text(f"SELECT {', '.join(names)} FROM {table}")
        as_bytes = [[_plain(value) for value in row] for row in connection.execute(query)]
        found[table] = sorted(as_bytes, key=repr)
    return found


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def _decoded(value: object) -> object:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value


def _encoded(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        return {"b64": base64.b64encode(bytes(value)).decode("ascii")}
    return value


def dump(connection: Connection, about: Line) -> list[Line]:
    """The other way round, from SQLite."""
    names = connection.execute(
        text("SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'")
    )
    lines = [about]
    for table in sorted(names.scalars()):
        for row in connection.execute(text(f"SELECT * FROM {table}")).mappings():
            lines.append({"table": table, "row": {k: _encoded(v) for k, v in row.items()}})
    return lines


async def write_database(directory: Path, revision: str) -> list[ClaimRecord]:
    """Every life of a claim, a person erased; at 0001 and 0005 more than one full tile."""
    async with opened(directory) as house:
        claims = await all_lives(house)
        await house.log.publish()
        gone = await lived(house, "r-erased", ClaimEvent.REGION_REFUSED, person=99)
        await erase_subject(house.store, gone.subject_ref, legal_basis="PIPL 47")
        await house.msgids.take(HOSPITAL, 3)
        if revision in ("0001", "0005"):
            await _fill_a_tile(house)
        await house.log.publish()
        if revision >= "0002":
            await _cosign(house)
        if revision >= "0003":
            await house.store.write(_set_limit)
            await house.log.publish()
        if revision >= "0007":
            await house.store.write(_load_dictionary)
            await house.store.write(_load_dictionary_again)
    return claims


async def _fill_a_tile(house: OpenStore) -> None:
    def work(books: Any) -> None:
        size = len(books.connection.execute(text("SELECT 1 FROM ledger_leaf")).all())
        for number in range(size, FULL_TILE + 3):
            opening = Opening(books.house_ref(), b"%d" % number)
            books.append_evidence(f"note-{number}", leaf_type="note", opening=opening, at=NOON)

    await house.store.write(work)


async def _cosign(house: OpenStore) -> None:
    from ledger.cosignature import Cosigner, read_answer
    from ledger.cosigned import add_cosignatures
    from ledger.note import split_note

    witness, newest = Cosigner.from_seed(WITNESS, seed("witness")), await house.log.checkpoint()
    assert newest is not None
    line = witness.cosign(split_note(newest.note)[0], 1_763_958_000)
    given = read_answer(newest.note, line, witness.verifier)
    await house.store.writer.submit(
        lambda unit: add_cosignatures(unit.connection, newest.tree_size, given, at=NOON)
    )


def _load_dictionary(books: Any) -> None:
    codes = (("11", "门诊"), ("21", "住院"), ("51", "暂缓结算"))
    _take_over(books, 0, date(2026, 6, 30), codes)


def _load_dictionary_again(books: Any) -> None:
    """A label that changed, a code that was withdrawn; and a code that nobody knew."""
    from gateway.domain.dictionary import UnknownCode
    from gateway.store.dictionaries import note_unknown

    _take_over(books, 1, date(2026, 11, 24), (("11", "普通门诊"), ("21", "住院")))
    unknown = UnknownCode("33", "clr_type", "clr_type", "77", "2207A", f"{HOSPITAL}{'0' * 18}")
    note_unknown(books.connection, [(unknown, 2)], at=NOON)


def _take_over(books: Any, number: int, day: date, codes: Iterable[tuple[str, str]]) -> None:
    from gateway.domain.dictionary import DictionaryRow
    from gateway.store.dictionaries import take_over

    rows = tuple(DictionaryRow("clr_type", code, label, "0", True, "1") for code, label in codes)
    msgid = f"{HOSPITAL}202611241200{5000 + number:06}"
    take_over(books.connection, "33", "clr_type", rows, day=day, msgid=msgid, at=NOON)


def _set_limit(books: Any) -> None:
    from gateway.ids import SystemIds
    from ledger.journal import Account, Role
    from ledger.limit_store import set_limit
    from ledger.limits import Enforcement, Limit

    limit = Limit(
        limit_id="old-limit",
        account=Account("330400", Role.PREPAYMENT_ASSET, "310000", "pooled"),
        floor_fen=5_00,
        enforcement=Enforcement.WARN,
        valid_from_us=0,
        source="a database of revision 0003",
    )
    set_limit(books.connection, limit, salt=SystemIds().salt(), tail=books.tail)


def write() -> None:
    """The file of the present revision."""
    revision = REVISIONS[-1]
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write_keys(directory / "keys")
        database = options(directory).database
        write_engine(database).dispose()
        migrate_database(database)
        claims = asyncio.run(write_database(directory, revision))
        engine = read_engine(database)
        with engine.connect() as connection, connection.begin():
            told = [[c.claim_id, c.request_id, c.state.value, c.version] for c in claims]
            lines = dump(connection, {"revision": revision, "claims": told})
        engine.dispose()
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else GOLDEN
    texts = [json.dumps(line, separators=(",", ":")) for line in lines]
    (target / f"{revision}.jsonl").write_text("\n".join(texts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
