"""A ledger of any size with valid rows, for measuring what reads it: 20 µs an entry.

Writes the rows that ledger.store would write, without asking it: pending entries, three in four of
two funds (four legs), posted, one in sixteen voided, one in fifty reversed, evidence in between,
full tiles, balances, head and a signed checkpoint every 5,000 leaves. `ledger.verify` finds them
sound; nothing here is random. The gateway's own tables are not there.

    python -m bench.made_ledger FILE ENTRIES      makes one and prints its vkey
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway.ids import ALPHABET
from gateway.store.engine import write_engine
from ledger.checkpoint import NoteSigner, issue_checkpoint
from ledger.commitment import commit
from ledger.leaf import Leaf
from ledger.merkle import CompactRange, leaf_hash
from ledger.tables import install
from ledger.tiles import WIDTH, perfect_root

ORIGIN = "bench.yrd.example/made"
START_US = 1_795_500_000_000_000
CHECKPOINT_EVERY = 5_000
BATCH = 20_000
INSURED, VISITED = ("330400", "320500"), "310000"
HOSPITALS = 200

_INSERTS = {
    "ledger_leaf": "INSERT INTO ledger_leaf VALUES (?, ?, ?)",
    "ledger_entry": "INSERT INTO ledger_entry VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
    "ledger_leg": "INSERT INTO ledger_leg VALUES (?, ?, ?, ?, ?)",
    "ledger_tile": "INSERT INTO ledger_tile VALUES (?, ?, ?, ?)",
    "ledger_checkpoint": "INSERT INTO ledger_checkpoint VALUES (?, ?, ?)",
}

Legs = tuple[tuple[str, str, int], ...]


@dataclass(frozen=True, slots=True)
class Made:
    """One event of the log: an entry, or evidence (no kind)."""

    entry_id: str
    kind: str = ""
    legs: Legs = ()
    resolves: str | None = None
    reverses: str | None = None


def make_ledger(database: Path, entries: int) -> str:
    """Fill a new SQLite file with so many entries (a few more); answers the log's vkey."""
    signer = NoteSigner.from_seed(ORIGIN, sha256(ORIGIN.encode()).digest())
    engine = write_engine(database)
    try:
        with engine.connect() as connection:
            with connection.begin():
                install(connection)
            _Maker(connection, signer).make(entries)
    finally:
        engine.dispose()
    return signer.vkey


class _Maker:
    def __init__(self, connection: Connection, signer: NoteSigner) -> None:
        self._connection = connection
        self._signer = signer
        self._edge = CompactRange()
        self._tiles: list[list[bytes]] = [[]]
        self._filled: list[int] = [0]
        self._balances: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self._rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _INSERTS}

    def make(self, entries: int) -> None:
        made = 0
        for number, event in enumerate(_events()):
            made += event.kind != ""
            self._append(event, number)
            if len(self._rows["ledger_leaf"]) == BATCH:
                self._write()
            if made >= entries and event.kind != "pending":
                break
        self._sign()
        self._write()
        self._finish()

    def _append(self, event: Made, number: int) -> None:
        index, at = self._edge.size, START_US + number * 1_000
        salt = sha256(b"salt %d" % number).digest()
        seal = commit(salt, _body(event, at)).hex() if event.kind else None
        leaf = Leaf(
            type=f"entry.{event.kind}" if event.kind else "receipt.issued",
            entry_id=event.entry_id,
            commitment=sha256(b"body %d" % number).hexdigest(),
            window="2026-11" if event.kind else None,
            funds=tuple(sorted({debit.rsplit("/", 1)[1] for debit, _, _ in event.legs})),
            seal=seal,
        ).to_bytes()
        hashed = leaf_hash(leaf)
        self._rows["ledger_leaf"].append((index, leaf, hashed))
        self._edge.append(hashed)
        self._add_tile_hash(0, hashed)
        if event.kind:
            self._add_entry(event, index, at, salt)
        if self._edge.size % CHECKPOINT_EVERY == 0:
            self._sign()

    def _add_entry(self, event: Made, index: int, at: int, salt: bytes) -> None:
        self._rows["ledger_entry"].append(
            (event.entry_id, event.kind, event.resolves, event.reverses, index, at, salt)
        )
        column = 0 if event.kind == "pending" else 2
        for leg_no, (debit, credit, amount) in enumerate(event.legs):
            self._rows["ledger_leg"].append((event.entry_id, leg_no, debit, credit, amount))
            # What is pended is always resolved by the next event, except for the last of all.
            if column == 2:
                self._balances[debit][2] += amount
                self._balances[credit][3] += amount

    def _add_tile_hash(self, level: int, hashed: bytes) -> None:
        if level == len(self._tiles):
            self._tiles.append([])
            self._filled.append(0)
        tile = self._tiles[level]
        tile.append(hashed)
        if len(tile) == WIDTH:
            root = perfect_root(tile)
            self._rows["ledger_tile"].append((level, self._filled[level], b"".join(tile), root))
            self._tiles[level] = []
            self._filled[level] += 1
            self._add_tile_hash(level + 1, root)

    def _sign(self) -> None:
        rows = self._rows["ledger_checkpoint"]
        if rows and rows[-1][0] == self._edge.size:
            return
        note = issue_checkpoint(self._edge.size, self._edge.root(), self._signer).note
        rows.append((self._edge.size, note, START_US))

    def _write(self) -> None:
        raw: Any = self._connection.connection.dbapi_connection
        raw.execute("PRAGMA synchronous = OFF").close()
        with self._connection.begin():
            for table, rows in self._rows.items():
                raw.executemany(_INSERTS[table], rows).close()
                rows.clear()

    def _finish(self) -> None:
        with self._connection.begin():
            self._connection.exec_driver_sql(
                "UPDATE ledger_head SET size = ?, compact_range = ?",
                (self._edge.size, self._edge.to_bytes()),
            )
            for account, sums in self._balances.items():
                self._connection.exec_driver_sql(
                    "INSERT INTO ledger_balance VALUES (?, ?, ?, ?, ?)", (account, *sums)
                )


def _events() -> Iterator[Made]:
    """Claim after claim."""
    number = 0
    while True:
        pending, ended = _id(number, 1), _id(number, 2)
        legs = _legs(number)
        yield Made(pending, "pending", legs)
        if number % 16 == 7:
            yield Made(ended, "voided", resolves=pending)
        else:
            yield Made(ended, "posted", legs, resolves=pending)
            if number % 50 == 0:
                yield Made(_id(number, 3))
                back = tuple((credit, debit, amount) for debit, credit, amount in legs)
                asked, taken = _id(number, 4), _id(number, 5)
                yield Made(asked, "pending", back, reverses=ended)
                yield Made(taken, "posted", back, resolves=asked, reverses=ended)
        number += 1


def _legs(number: int) -> Legs:
    insured = INSURED[number % 2]
    hospital = f"H0031{number % HOSPITALS:07d}"
    amount = 1_00 + number * 7919 % 500_000
    legs = []
    for fund, source in (("pooled", "fund_expense"), ("personal_account", "personal_account")):
        if fund == "personal_account" and number % 4 == 3:
            continue
        debit = f"{insured}/{source}/{insured}/{fund}"
        legs.append((debit, f"{insured}/payable/{VISITED}/{fund}", amount))
        debit = f"{VISITED}/receivable/{insured}/{fund}"
        legs.append((debit, f"{VISITED}/hospital_payable/{hospital}/{fund}", amount))
    return tuple(legs)


def _id(number: int, part: int) -> str:
    """As gateway.ids makes them: a millisecond, then digits that look like chance."""
    tail = int.from_bytes(sha256(b"%d %d" % (number, part)).digest()[:10], "big")
    value = ((START_US // 1_000 + number * 5 + part) << 80) | tail
    digits = [ALPHABET[value >> shift & 31] for shift in range(125, -1, -5)]
    return "ent_" + "".join(digits)


def _body(event: Made, at: int) -> bytes:
    """ledger.seal.entry_body, from texts."""
    legs = ",".join(f'["{debit}","{credit}",{amount}]' for debit, credit, amount in event.legs)
    resolves, reverses = _text(event.resolves), _text(event.reverses)
    return (
        f'{{"entry_id":"{event.entry_id}","kind":"{event.kind}","legs":[{legs}],'
        f'"recorded_us":{at},"resolves":{resolves},"reverses":{reverses}}}'
    ).encode("ascii")


def _text(value: str | None) -> str:
    return "null" if value is None else f'"{value}"'


if __name__ == "__main__":
    print(make_ledger(Path(sys.argv[1]), int(sys.argv[2])))
