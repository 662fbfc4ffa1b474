"""查账与自查: everything `yrd verify` checks about one data directory, on one snapshot.

Reads a live database without blocking its writer. Trusts the log's public key, and of our own keys
only that they open what they sealed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Connection

from gateway.database import Database, Postgresql
from gateway.ids import SystemIds
from gateway.store.crosscheck import crosscheck
from gateway.store.crosscheck_claims import CheckAnswer
from gateway.store.engine import read_engine
from gateway.store.errors import StoreRefused
from gateway.store.keyring import Keyring, load_keyring
from gateway.store.log_key import known_log_keys
from gateway.store.migrate import refuse_unmigrated
from gateway.store.postgresql import refuse_unreachable
from gateway.store.subjects import CipherCache, Subjects
from ledger.policy import ALWAYS, KeyDates
from ledger.published import Published
from ledger.report import Progress, Report, silent
from ledger.sm2_note import Sm2NoteVerifier
from ledger.verify import verify
from ledger.verify_files import verify_files


@dataclass(frozen=True, slots=True)
class StoreReport:
    """Both reports: the ledger by itself, and our state against the ledger."""

    ledger: Report
    state: Report

    @property
    def ok(self) -> bool:
        return self.ledger.ok and self.state.ok


def verify_store(
    database: Database,
    keys_dir: Path,
    vkey: str,
    *,
    production: bool,
    check_answer: CheckAnswer | None = None,
    progress: Progress | None = None,
    witness_dates: Mapping[str, KeyDates] = MappingProxyType({}),
    sm2: Sequence[Sm2NoteVerifier] = (),
) -> StoreReport:
    """Check everything. Dates of the log's key are those of its key file, if that is here;
    `check_answer` raises ValueError for bytes that are no encoded claim.

    Raises StoreRefused if the database or the keys cannot be opened, KeyMalformed for a bad vkey;
    whatever else is wrong is in the reports. `progress` runs twice from zero to its end.
    """
    keyring = load_keyring(keys_dir, production=production)
    if isinstance(database, Path) and not database.exists():
        raise StoreRefused("DATABASE_MISSING", f"数据库 {database} 不存在。")
    engine = read_engine(database)
    try:
        if isinstance(database, Postgresql):
            refuse_unreachable(engine, database)
        with engine.connect() as connection:
            with connection.begin():
                refuse_unmigrated(connection)
            with connection.begin():
                return verify_snapshot(
                    connection, keyring, vkey, dates=_dates(keys_dir, vkey),
                    check_answer=check_answer, progress=progress, witness_dates=witness_dates,
                    sm2=sm2,
                )  # fmt: skip
    finally:
        engine.dispose()


def verify_published(
    database: Database, vkey: str, published: Published, *, progress: Progress | None = None
) -> Report:
    """Published files, surveyed before this is called, against the database's leaves."""
    engine = read_engine(database)
    try:
        with engine.connect() as connection, connection.begin():
            return verify_files(connection, vkey, published, progress=progress or silent)
    finally:
        engine.dispose()


def verify_snapshot(
    connection: Connection,
    keyring: Keyring,
    vkey: str,
    *,
    dates: KeyDates = ALWAYS,
    check_answer: CheckAnswer | None = None,
    progress: Progress | None = None,
    witness_dates: Mapping[str, KeyDates] = MappingProxyType({}),
    sm2: Sequence[Sm2NoteVerifier] = (),
) -> StoreReport:
    """The same on what this transaction sees, which has read nothing yet."""
    books = verify(
        connection, vkey, progress=progress, dates=dates, witness_dates=witness_dates, sm2=sm2
    )
    subjects = Subjects(connection, keyring, CipherCache(), SystemIds().salt)
    state = crosscheck(
        connection, keyring, subjects=subjects, check_answer=check_answer, progress=progress
    )
    return StoreReport(ledger=books, state=state)


def _dates(keys_dir: Path, vkey: str) -> KeyDates:
    """Of this key, by its file; open where we hold only the public key."""
    own = {key.signer.vkey: key.dates for key in known_log_keys(keys_dir)}
    return own.get(vkey, ALWAYS)
