"""Small books for the ledger's tests: accounts, entries, leaves and a database in a directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from pysqlite3 import dbapi2
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool

from ledger.checkpoint import Checkpoint, NoteSigner, parse_checkpoint
from ledger.cosignature import Cosigner, read_answer
from ledger.cosigned import add_cosignatures, cosigned_note
from ledger.history import RESTARTED, ClosedLog, Seen, commitment_of, record_closed
from ledger.journal import Account, Entry, EntryKind, Leg, Role, reversal
from ledger.leaf import Leaf
from ledger.limit_store import set_limit
from ledger.limits import Enforcement, Limit
from ledger.note import LineSigner, split_note
from ledger.policy import ALWAYS, KeyDates
from ledger.publish import sign_checkpoint
from ledger.reads import size, to_us
from ledger.store import (
    Appended,
    Draft,
    append_entry,
    append_leaf,
    append_linked,
    latest_note,
)
from ledger.tables import install
from ledger.tail import Tail

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
INSURED, VISITED, HOSPITAL = "330400", "310000", "H00310000001"


def account(book: str, role: Role, counterparty: str, fund: str = "pooled") -> Account:
    return Account(book=book, role=role, counterparty=counterparty, fund=fund)


def claim_legs(amount_fen: int, fund: str = "pooled") -> tuple[Leg, ...]:
    """What one 异地 claim moves in both regions' books."""
    return (
        Leg(
            debit=account(INSURED, Role.FUND_EXPENSE, INSURED, fund),
            credit=account(INSURED, Role.PAYABLE, VISITED, fund),
            amount_fen=amount_fen,
        ),
        Leg(
            debit=account(VISITED, Role.RECEIVABLE, INSURED, fund),
            credit=account(VISITED, Role.HOSPITAL_PAYABLE, HOSPITAL, fund),
            amount_fen=amount_fen,
        ),
    )


def pending(entry_id: str, amount_fen: int = 65_432) -> Entry:
    return Entry(entry_id=entry_id, kind=EntryKind.PENDING, legs=claim_legs(amount_fen))


def posted(entry_id: str, resolves: str | None = None, amount_fen: int = 65_432) -> Entry:
    legs = claim_legs(amount_fen)
    return Entry(entry_id=entry_id, kind=EntryKind.POSTED, legs=legs, resolves=resolves)


def voided(entry_id: str, resolves: str) -> Entry:
    return Entry(entry_id=entry_id, kind=EntryKind.VOIDED, resolves=resolves)


def prepayment_limit(
    limit_id: str = "lim_330400_310000",
    *,
    floor_fen: int = 1_000_000,
    enforcement: Enforcement = Enforcement.WARN,
    since: datetime = NOON,
    until: datetime | None = None,
) -> Limit:
    """What 嘉兴 has lent 上海 in advance, less what it owes."""
    return Limit(
        limit_id=limit_id,
        account=account(INSURED, Role.PREPAYMENT_ASSET, VISITED),
        drawn_by=account(INSURED, Role.PAYABLE, VISITED),
        floor_fen=floor_fen,
        enforcement=enforcement,
        valid_from_us=to_us(since),
        valid_until_us=None if until is None else to_us(until),
        source="synthetic agreement, for tests",
    )


def prepaid(entry_id: str, amount_fen: int) -> Entry:
    """嘉兴 lends 上海 in advance: from its fund, into the prepayment."""
    leg = Leg(
        debit=account(INSURED, Role.PREPAYMENT_ASSET, VISITED),
        credit=account(INSURED, Role.FUND_EXPENSE, INSURED),
        amount_fen=amount_fen,
    )
    return Entry(entry_id=entry_id, kind=EntryKind.POSTED, legs=(leg,))


def commitment(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def leaf_for(entry: Entry, window: str | None = "2026-11") -> Leaf:
    return Leaf(
        type=f"entry.{entry.kind.value}",
        entry_id=entry.entry_id,
        commitment=commitment(entry.entry_id),
        window=window,
        funds=("pooled",),
    )


def evidence(name: str) -> Leaf:
    return Leaf(type="receipt.issued", entry_id=name, commitment=commitment(name))


def salt_for(name: str) -> bytes:
    return sha256(b"salt " + name.encode()).digest()


def signer(name: str = "log.test/yrd") -> NoteSigner:
    return NoteSigner.from_seed(name, sha256(name.encode()).digest())


def cosigner(name: str) -> Cosigner:
    """A witness."""
    return Cosigner.from_seed(name, sha256(name.encode()).digest())


class Books:
    """A ledger in a SQLite file, and a clock that moves one second with every entry."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "ledger.db"
        self.engine: Engine = create_engine(
            f"sqlite:///{self.path}", module=dbapi2, poolclass=NullPool
        )
        self.signer = signer()
        self.others: tuple[LineSigner, ...] = ()
        """Who signs checkpoints beside it."""
        self._now = NOON
        with self.engine.begin() as connection:
            install(connection)

    def tick(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, committed unless something is raised."""
        with self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()

    def append(self, entry: Entry, *, sealed: bool = True) -> Appended:
        salt = salt_for(entry.entry_id) if sealed else None
        with self.writing() as connection:
            return append_entry(connection, entry, leaf_for(entry), at=self.tick(), salt=salt)

    def draft(self, entry: Entry) -> Draft:
        at, salt = to_us(self.tick()), salt_for(entry.entry_id)
        return Draft(entry, leaf_for(entry), at, salt)

    def append_linked(self, *entries: Entry) -> tuple[Appended, ...]:
        """As one chain."""
        chain = [replace(entry, linked=entries[0].entry_id) for entry in entries]
        with self.writing() as connection:
            return append_linked(connection, [self.draft(entry) for entry in chain])

    def set_limit(self, limit: Limit) -> bool:
        with self.writing() as connection:
            tail = Tail(connection)
            new = set_limit(connection, limit, salt=salt_for(limit.limit_id), tail=tail)
            tail.write()
            return new

    def append_evidence(self, name: str) -> Appended:
        with self.writing() as connection:
            return append_leaf(connection, evidence(name))

    def fill(self, count: int) -> None:
        """`count` leaves of evidence, in one transaction."""
        with self.writing() as connection:
            for number in range(count):
                append_leaf(connection, evidence(f"rcp_{number}"))

    def sign(self, outside: str | None = None) -> Checkpoint | None:
        with self.writing() as connection:
            return sign_checkpoint(
                connection, self.signer, at=self.tick(), outside=outside, others=self.others
            )

    def restart(
        self,
        successor: NoteSigner,
        *,
        seen: Seen | None = None,
        dates: KeyDates = ALWAYS,
        reason: str = "恢复旧备份",
    ) -> ClosedLog:
        """The log ends here; the successor signs from now on."""
        salt = salt_for(successor.name)
        with self.writing() as connection:
            closed = ClosedLog(
                leaf_index=size(connection), key=self.signer.verifier, dates=dates,
                successor=successor.verifier, closed_us=to_us(self.tick()), reason=reason,
                seen=seen,
            )  # fmt: skip
            commitment = commitment_of(closed, salt)
            append_leaf(connection, Leaf(type=RESTARTED, entry_id="ent_r", commitment=commitment))
            record_closed(connection, closed, salt=salt)
        self.signer = successor
        return closed

    def cosign(self, *names: str) -> str:
        """The newest checkpoint with the cosignatures of these witnesses, which are kept."""
        with self.writing() as connection:
            note = latest_note(connection)
            assert note is not None
            checkpoint, at = parse_checkpoint(note), self.tick()
            text = split_note(note)[0]
            for witness in map(cosigner, names):
                line = witness.cosign(text, int(at.timestamp()))
                given = read_answer(note, line, witness.verifier)
                add_cosignatures(connection, checkpoint.size, given, at=at)
            return cosigned_note(connection, note, checkpoint.size)

    def live_through_a_day(self) -> None:
        """A little of everything: posted as asked, posted otherwise, voided, reversed, open."""
        for entry in (
            pending("ent_a1"),
            posted("ent_a2", resolves="ent_a1"),
            pending("ent_b1", 10_000),
            posted("ent_b2", resolves="ent_b1", amount_fen=9_950),
            pending("ent_c1"),
            voided("ent_c2", resolves="ent_c1"),
        ):
            self.append(entry)
        self.append_evidence("rcp_a")
        self.sign()
        self.append(reversal(posted("ent_a2", resolves="ent_a1"), entry_id="ent_a3"))
        self.append(pending("ent_d1", 777))
        self.append(Entry(entry_id="ent_e1", kind=EntryKind.POSTED))
        self.append(posted("ent_f1", amount_fen=3), sealed=False)
        self.sign()

    def live_through_another_day(self) -> None:
        """What is rare: a limit, an expiry, a chain."""
        self.set_limit(prepayment_limit(until=NOON + timedelta(days=365)))
        expires = to_us(NOON + timedelta(days=1))
        self.append(replace(pending("ent_g1", 50), expires_us=expires))
        self.append(Entry(entry_id="ent_g2", kind=EntryKind.EXPIRED, resolves="ent_g1"))
        self.append_linked(pending("ent_h1", 5), posted("ent_h2", resolves="ent_h1", amount_fen=5))
        self.sign()

    def tamper(self, *statements: str) -> None:
        """Change rows as someone with the file in their hands would: without the triggers."""
        with self.writing() as connection:
            names = connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).scalars()
            for name in names.all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
            for statement in statements:
                connection.exec_driver_sql(statement)

    def close(self) -> None:
        self.engine.dispose()
