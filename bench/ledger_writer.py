"""The append under measurement: the gateway's own store, opened as the gateway opens it.

What the ledger makes of a request (leaf, seal, hashes, rows) is made here, inside the measured
call. The prepayment accounts between the regions are funded and under limits, half of which block.
"""

from __future__ import annotations

from pathlib import Path

from bench.ledger_requests import REGIONS, WINDOW, Request
from gateway.clock import SystemClock
from gateway.database import Database
from gateway.domain.claim_record import ClaimRecord
from gateway.domain.errors import InvariantViolated
from gateway.ids import SystemIds
from gateway.store.engine import write_engine
from gateway.store.keyring import create_keys
from gateway.store.migrate import migrate_database
from gateway.store.open_store import OpenStore, StoreOptions, open_store
from ledger.commitment import commit
from ledger.draft import Draft
from ledger.journal import AMOUNT_MAX, Account, Entry, EntryKind, Leg, Role
from ledger.leaf import Leaf
from ledger.limit_store import set_limit
from ledger.limits import Enforcement, Limit
from ledger.reads import to_us
from ledger.store import append_alone, lock_log
from ledger.tail import Tail

ORIGIN = "bench.yrd.example/ledger"
_FUND = "pooled"


def make_store(database: Database, root: Path) -> str:
    """Schema, keys, limits and what they guard; answers the log's vkey."""
    migrate_database(database)
    vkey = create_keys(root / "keys", origin=ORIGIN, salt=SystemIds().salt)
    engine = write_engine(database)
    try:
        with engine.begin() as connection:
            lock_log(connection)
            tail = Tail(connection)
            now_us, ids = to_us(SystemClock().now()), SystemIds()
            for number, limit in enumerate(_limits(now_us)):
                set_limit(connection, limit, salt=ids.salt(), tail=tail)
                append_alone(tail, _funding(limit.account, number, now_us))
            tail.write()
    finally:
        engine.dispose()
    return vkey


class LedgerWriter:
    """One process's store over a database that `make_store` has made."""

    def __init__(self, database: Database, root: Path) -> None:
        self._now, self._salt = SystemClock().now, SystemIds().salt
        self.store: OpenStore = open_store(
            StoreOptions(
                database=database,
                keys_dir=root / "keys",
                log_origin=ORIGIN,
                production=False,
                outside_checkpoint=root / "checkpoint.txt",
            ),
            encode=_no_claims,
            clock=SystemClock(),
            ids=SystemIds(),
        )

    @property
    def commits(self) -> int:
        """So far."""
        return self.store.store.writer.commits

    async def append(self, request: Request) -> int:
        """Durable when it answers the leaf's index."""
        appended = await self.store.appends.append(
            draft_of(request, to_us(self._now()), self._salt())
        )
        return appended.index


def draft_of(request: Request, recorded_us: int, salt: bytes) -> Draft:
    """The entry with its leaf."""
    entry = request.entry
    leaf = Leaf(
        type=f"entry.{entry.kind.value}",
        entry_id=entry.entry_id,
        commitment=request.commitment,
        window=WINDOW,
        funds=(request.fund,),
    )
    return Draft(entry, leaf, recorded_us, salt)


def _limits(now_us: int) -> list[Limit]:
    """On what each region has lent to each other one."""
    pairs = [(book, other) for book in REGIONS for other in REGIONS if book != other]
    return [
        Limit(
            limit_id=f"bench-{book}-{other}",
            account=Account(book, Role.PREPAYMENT_ASSET, other, _FUND),
            drawn_by=Account(book, Role.PAYABLE, other, _FUND),
            floor_fen=1_000_000_00,
            enforcement=Enforcement.BLOCK if number % 2 else Enforcement.WARN,
            valid_from_us=now_us,
            source="bench: synthetic agreement",
        )
        for number, (book, other) in enumerate(pairs)
    ]


def _funding(account: Account, number: int, now_us: int) -> Draft:
    """More than any run draws."""
    source = Account(account.book, Role.FUND_EXPENSE, account.book, account.fund)
    entry = Entry(
        entry_id=f"bench-funding-{number}",
        kind=EntryKind.POSTED,
        legs=(Leg(account, source, AMOUNT_MAX // 10),),
    )
    commitment = commit(bytes(32), entry.entry_id.encode("ascii")).hex()
    leaf = Leaf(type="entry.posted", entry_id=entry.entry_id, commitment=commitment, funds=(_FUND,))
    return Draft(entry, leaf, now_us, SystemIds().salt())


def _no_claims(_claim: ClaimRecord) -> bytes:
    raise InvariantViolated("the ledger's bench writes entries only, and nobody brought a claim")
