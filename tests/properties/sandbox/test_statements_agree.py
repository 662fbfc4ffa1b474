"""Whatever both sides have, the statement tells each difference once, and nothing else.

Our codec packs and reads, the platform's own code compares; no socket and no database between them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from adapters.baseline import wire
from adapters.baseline.codec import Message, NationalCodec
from adapters.baseline.envelope import Reply
from adapters.sandbox.context import Books, Call, Rules
from adapters.sandbox.provinces import PROVINCES
from adapters.sandbox.records import Booked, StoredFile
from adapters.sandbox.state import State
from adapters.sandbox.transactions import statements
from adapters.sandbox.wire import Json, dump, node_of, parse
from gateway.ports import (
    OurRow,
    StatementKey,
    StatementOrder,
    StatementResult,
    StatementRow,
    StatementTotals,
)
from tests.unit.adapters.people import CLASSES, HOSPITAL, codec, context

DAY = date(2025, 9, 10)
Fate = Literal["same", "centre", "ours", "fund", "total", "flag", "visit"]
FATES: tuple[Fate, ...] = ("same", "centre", "ours", "fund", "total", "flag", "visit")
AMOUNTS = st.tuples(*[st.integers(0, 10_000_000)] * 3)


class Shelf(State):
    """A state that holds rows and files in memory."""

    def __init__(self, rows: list[Booked]) -> None:
        self._rows, self._files, self._last = rows, dict[str, StoredFile](), 0

    def booked(self, institution: str, first_day: str, last_day: str) -> list[Booked]:
        assert (institution, first_day, last_day) == (HOSPITAL.code, str(DAY), str(DAY))
        return self._rows

    def add_file(self, file: StoredFile) -> None:
        self._files[file.query_no] = file

    def file(self, query_no: str) -> StoredFile | None:
        return self._files.get(query_no)

    def drop_files(self, ended_before: str) -> None:
        self._files = {no: kept for no, kept in self._files.items() if kept.until >= ended_before}

    def next_number(self, name: str) -> int:
        self._last += 1
        return self._last


@dataclass
class Day:
    """What one side has, what the other has, and how they differ."""

    ours: list[OurRow] = field(default_factory=list)
    theirs: list[Booked] = field(default_factory=list)
    fates: dict[str, Fate] = field(default_factory=dict)
    """msgid at the centre, or our settlement id for what only we have → fate."""

    def add(self, number: int, fate: Fate, amounts: tuple[int, int, int], refund: bool) -> None:
        total, fund, account = (-n for n in amounts) if refund else amounts
        own = OurRow(f"A{number}", f"S{number}", f"P{number}", total, fund, account, refund)
        centre = Booked(
            own.settlement_id, f"M{number}", own.visit_id, own.person_no, "310", False,
            (total, fund, account), refund,
        )  # fmt: skip
        changed = {
            "fund": replace(own, fund_fen=fund + 1),
            "total": replace(own, total_fen=total - 1),
            "flag": replace(own, refund=not refund),
            "visit": replace(own, visit_id="S0"),
        }
        if fate != "centre":
            self.ours.append(changed.get(fate, own))
        if fate != "ours":
            self.theirs.append(centre)
        self.fates[own.settlement_id if fate == "ours" else centre.msgid] = fate


@st.composite
def days(draw: st.DrawFn) -> Day:
    day = Day()
    for number in range(1, draw(st.integers(0, 6)) + 1):
        day.add(number, draw(st.sampled_from(FATES)), draw(AMOUNTS), draw(st.booleans()))
    return day


@dataclass
class Table:
    """Our codec on one side, the platform's transactions on the other."""

    province: str
    shelf: Shelf
    speak: NationalCodec = field(init=False)

    def __post_init__(self) -> None:
        self.speak = codec(self.province)

    def ask(self, message: Message, transaction: Callable[[Call], Json]) -> Reply:
        given = node_of(parse(message.body), "input")
        answer = dump(transaction(self._call(message.infno, given)))
        output = wire.read(answer.encode()).values
        return Reply("0", "", "", output, answer, {}, b"")

    def _call(self, infno: str, given: dict[str, Json]) -> Call:
        return Call(
            infno=infno, msgid="M", visited_area="310118", insured_area="",
            institution=HOSPITAL.code, given=given, now=datetime(2025, 9, 11, 4, 0),
            province=PROVINCES[self.province], books=_NO_BOOKS, rules=Rules(), state=self.shelf,
        )  # fmt: skip

    def detail(self, order: StatementOrder) -> tuple[StatementRow, ...]:
        speak, ctx = self.speak, context(self.province)
        kept = speak.read_statement_upload(
            self.ask(speak.statement_upload(ctx, order), statements.upload), ctx
        )
        message = speak.statement_detail(ctx, order.totals, kept)
        result = speak.read_statement_detail(self.ask(message, statements.detail))
        self.ask(speak.statement_result(ctx, result), statements.download)
        file = self.shelf.file(result.query_no)
        assert file is not None
        return speak.read_statement_result(file.data)

    def balanced(self, ours: StatementTotals) -> bool:
        message = self.speak.statement_totals(context(self.province), ours)
        reply = self.ask(message, statements.totals)
        return self.speak.read_statement_totals(reply, ours).balanced


_NO_BOOKS = Books.__new__(Books)
"""No transaction of a statement looks into them."""


def totals(province: str, rows: list[OurRow], scheme: str = "") -> StatementTotals:
    sums = [
        sum(getattr(row, f"{part}_fen") for row in rows) for part in ("total", "fund", "account")
    ]
    key = StatementKey(scheme, "11", PROVINCES[province].pool, DAY, DAY)
    return StatementTotals(key, sums[0], sums[1], sums[2], 0, len(rows), None)


@given(days(), st.sampled_from(sorted(CLASSES)))
def test_each_difference_is_told_once_and_by_what_can_be_joined(day: Day, province: str) -> None:
    habits = PROVINCES[province].statements
    table = Table(province, Shelf(day.theirs))
    found = table.detail(
        StatementOrder(totals(province, day.ours), tuple(day.ours), ("m1", "m2", "m3"))
    )
    told = {row.msgid or row.settlement_id: row for row in found}
    assert len(told) == len(found)
    listed = {key for key, fate in day.fates.items() if fate != "same" or habits.lists_balanced}
    assert told.keys() == listed
    for key, row in told.items():
        fate = day.fates[key]
        meant = {
            "same": StatementResult.BALANCED,
            "centre": StatementResult.CENTRE_MORE,
            "ours": StatementResult.OURS_MORE,
        }.get(fate, StatementResult.DIFFER)
        split = habits.splits or fate == "same"
        assert row.result is (meant if split else StatementResult.DIFFER)
        assert (row.settlement_id == "") is (fate == "centre")
        assert (row.total_fen is not None) is habits.amounts


@given(days(), st.sampled_from(sorted(CLASSES)))
def test_totals_balance_exactly_when_the_sums_and_the_number_do(day: Day, province: str) -> None:
    ours = totals(province, day.ours, "310")
    theirs = [sum(row.amounts[at] for row in day.theirs) for at in range(3)]
    same = [ours.total_fen, ours.fund_fen, ours.account_fen] == theirs
    balanced = Table(province, Shelf(day.theirs)).balanced(ours)
    assert balanced is (same and len(day.ours) == len(day.theirs))
