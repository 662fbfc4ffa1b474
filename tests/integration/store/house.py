"""A store in a temporary directory, synthetic claims to fill it, a clock that stands still."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Engine

from gateway.domain.bill import VisitKind
from gateway.domain.breakdown import Breakdown, Fund, WorkingStep
from gateway.domain.catalogue import ItemClass
from gateway.domain.claim import ClaimState
from gateway.domain.claim_record import ClaimRecord, EntryRef, PlannedMessage
from gateway.domain.posting import settlement_legs
from gateway.domain.pricing import PricedLine
from gateway.domain.visit import Scheme
from gateway.ids import SystemIds
from gateway.ports import Books, Ids, Opening
from gateway.store.keyring import create_keys
from gateway.store.migrate import migrate_database
from gateway.store.open_store import OpenStore, StoreOptions, open_store
from ledger.commitment import canonical_json
from ledger.journal import Entry, EntryKind
from tests.postgres.kinds import database_below

ORIGIN = "yrd.example/test-log"
HOSPITAL = "H00310000001"
NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
ID_NUMBER = "003118195203158882"
NAME = "测试甲一"


class StandingClock:
    """Implements ports.Clock; moves only when told to."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def encode(claim: ClaimRecord) -> bytes:
    """Stands for the edge's encoder: deterministic, and with a personal value in it."""
    return f"{claim.claim_id}|{claim.state}|{claim.version}|{claim.name_masked}".encode()


def options(directory: Path, **changes: object) -> StoreOptions:
    """A store below this directory."""
    made = StoreOptions(
        database=database_below(directory),
        keys_dir=directory / "keys",
        log_origin=ORIGIN,
        production=False,
        outside_checkpoint=directory / "checkpoint.txt",
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # each test names real fields


def prepare(directory: Path) -> str:
    """Keys and an empty, migrated database; answers the log's vkey."""
    vkey = create_keys(directory / "keys", origin=ORIGIN, salt=SystemIds().salt)
    migrate_database(database_below(directory))
    return vkey


def unguarded(engine: Engine, statement: str) -> None:
    """Change a row as somebody with the database in hand could; `x'00'` is bytes on each."""
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            triggers = connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).scalars()
            for name in list(triggers):
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        else:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            statement = re.sub(r"x'([0-9a-f]*)'", r"'\\x\1'::bytea", statement)
        done = connection.exec_driver_sql(statement)
        assert done.rowcount > 0


@asynccontextmanager
async def opened(
    directory: Path, *, clock: StandingClock | None = None, **changes: object
) -> AsyncIterator[OpenStore]:
    """The store below this directory, closed at the end."""
    store = open_store(
        options(directory, **changes),
        encode=encode,
        clock=clock or StandingClock(),
        ids=SystemIds(),
    )
    try:
        yield store
    finally:
        await store.close()


def identity(number: int) -> str:
    """A synthetic identity number of 青浦-like shape, with its MOD 11-2 digit."""
    stem = f"003118195{number // 999 % 10}0315{number % 999 + 1:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(stem, weights, strict=True))
    return stem + "10X98765432"[total % 11]


def breakdown() -> Breakdown:
    """Adds up (I1–I7)."""
    return Breakdown(
        total_fen=123_45, own_pay_fen=3_45, over_limit_fen=0, pre_self_pay_fen=20_00,
        in_scope_fen=100_00, deductible_fen=0, funds=((Fund.POOLED, 70_00),), account_fen=30_00,
        family_account_fen=0, cash_fen=23_45,
        working=(WorkingStep("统筹支付", "100.00 × 70%", 70_00, "330400.x"),),
    )  # fmt: skip


def claim(request_id: str, *, ids: Ids, subject_ref: str, at: datetime = NOON) -> ClaimRecord:
    """A new claim of two lines; its personal values are synthetic."""
    line = PricedLine(
        line_no="1", item_code="SYN-XA01-0001", name_zh="示例甲类片剂", item_class=ItemClass.A,
        self_pay_ratio=Decimal("0.10"), price_limit=Decimal("12.345600"), amount_fen=100_00,
        own_pay_fen=0, over_limit_fen=0, pre_self_pay_fen=10_00, in_scope_fen=90_00,
    )  # fmt: skip
    return ClaimRecord(
        claim_id=ids.claim_id(), request_id=request_id, request_hash="00" * 32,
        state=ClaimState.RECORDED, version=1, institution_code=HOSPITAL, visited_region="310118",
        insured_region="330421", visit_kind=VisitKind.OUTPATIENT, visit_no=f"V-{request_id}",
        batch_no=f"B-{request_id}", subject_ref=subject_ref, name_masked="测***",
        id_number_masked="003*************82", id_number=ID_NUMBER, scheme=Scheme.EMPLOYEE,
        person_no="33040000000012345678", computed=breakdown(),
        lines=(line, replace(line, line_no="2", price_limit=None)), policy_rules=("330400.x",),
        catalogue_version="syn-2026", messages=(), created_at=at, updated_at=at,
        attempt_deadline=at + timedelta(seconds=20), work_due_at=at + timedelta(seconds=20),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Intent:
    """What SettleClaim writes before the first byte leaves, as one closure."""

    request_id: str
    id_number: str = ID_NUMBER
    at: datetime = NOON
    ids: SystemIds = SystemIds()  # noqa: RUF009  # stateless

    def __call__(self, books: Books) -> ClaimRecord:
        made = claim(
            self.request_id, ids=self.ids, subject_ref=books.subject_ref(self.id_number), at=self.at
        )
        (msgid,) = books.next_msgids(HOSPITAL, 1, self.at)
        made = replace(
            made, messages=(PlannedMessage(msgid, "2207", "330400"),), id_number=self.id_number
        )
        legs = settlement_legs(
            made.computed, visited_region="310118", insured_region="330421", institution=HOSPITAL
        )
        entry = Entry(self.ids.entry_id(), EntryKind.PENDING, legs=legs)
        body = canonical_json({"claim_id": made.claim_id, "request": self.request_id})
        index = books.append_entry(
            entry, leaf_type="entry.pending", window=None,
            opening=Opening(made.subject_ref, body), at=self.at,
        )  # fmt: skip
        made = made.with_entry(EntryRef(entry.entry_id, "pending", index))
        books.insert_claim(made)
        books.record_messages(made.claim_id, made.messages)
        return made


def numbered(prefix: str, number: int) -> str:
    """A request id."""
    return f"{prefix}-{hashlib.sha256(str(number).encode()).hexdigest()[:8]}-{number}"
