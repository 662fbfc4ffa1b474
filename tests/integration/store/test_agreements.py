"""Agreements in the store: recorded once at the start, never edited, and sound under verify."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from gateway.domain.agreement import Agreements, Payment, Prepayment, drawn_by, prepayment_account
from gateway.store.engine import read_engine
from gateway.store.errors import StoreRefused
from gateway.store.verify_store import verify_store
from ledger.limit_store import all_limits, standings
from ledger.limits import Enforcement, Limit, Standing
from ledger.reads import size, to_us
from tests.integration.store.house import NOON, opened, options, prepare

PARTIES = ("330400", "310000", "pooled")
PAYMENT = Payment("syn-pay-1", prepayment_account(*PARTIES), 9_000_000, date(2026, 11, 2), "SYN")


def agreement(name: str = "syn-1", *, days: int = 0, replaces: str = "") -> Prepayment:
    limit = Limit(
        limit_id=name, account=prepayment_account(*PARTIES), drawn_by=drawn_by(*PARTIES),
        floor_fen=1_000_000, enforcement=Enforcement.WARN,
        valid_from_us=to_us(NOON + timedelta(days=days)), source="SYNTHETIC",
    )  # fmt: skip
    return Prepayment(limit, replaces)


def told(tmp_path: Path, *, days: int = 0) -> list[Standing]:
    engine = read_engine(options(tmp_path).database)
    try:
        with engine.connect() as connection, connection.begin():
            return standings(connection, NOON + timedelta(days=days))
    finally:
        engine.dispose()


def leaves(tmp_path: Path) -> int:
    engine = read_engine(options(tmp_path).database)
    try:
        with engine.connect() as connection, connection.begin():
            return size(connection)
    finally:
        engine.dispose()


async def start(tmp_path: Path, agreements: Agreements) -> None:
    async with opened(tmp_path, agreements=agreements):
        pass


async def refused(tmp_path: Path, agreements: Agreements) -> StoreRefused:
    before = leaves(tmp_path)
    with pytest.raises(StoreRefused) as caught:
        await start(tmp_path, agreements)
    assert leaves(tmp_path) == before
    return caught.value


async def test_what_is_new_is_recorded_once_and_verify_finds_the_books_sound(
    tmp_path: Path,
) -> None:
    vkey = prepare(tmp_path)
    agreements = Agreements((agreement(),), (PAYMENT,))
    for _ in range(2):
        await start(tmp_path, agreements)
    assert leaves(tmp_path) == 2
    (standing,) = told(tmp_path)
    assert (standing.available_fen, standing.balance_fen) == (9_000_000, 9_000_000)
    async with opened(tmp_path) as house:
        await house.log.publish()
    database, keys = options(tmp_path).database, tmp_path / "keys"
    report = verify_store(database, keys, vkey, production=False)
    assert report.ok, (report.ledger.problems, report.state.problems)


async def test_what_is_left_out_of_the_file_stays_in_force(tmp_path: Path) -> None:
    prepare(tmp_path)
    await start(tmp_path, Agreements((agreement(),)))
    await start(tmp_path, Agreements())
    assert [standing.limit.limit_id for standing in told(tmp_path)] == ["syn-1"]


async def test_the_same_id_with_another_content_keeps_the_gateway_from_serving(
    tmp_path: Path,
) -> None:
    prepare(tmp_path)
    await start(tmp_path, Agreements((agreement(),), (PAYMENT,)))
    changed = replace(agreement(), limit=replace(agreement().limit, floor_fen=1))
    error = await refused(tmp_path, Agreements((agreement("syn-2", days=1), changed)))
    assert error.reason == "AGREEMENT_OVERLAPS"
    error = await refused(tmp_path, Agreements((changed,)))
    assert error.reason == "AGREEMENT_CHANGED"
    assert "syn-1" in str(error)
    assert "floor_yuan" in str(error)
    for other in (replace(PAYMENT, amount_fen=1), replace(PAYMENT, source="another")):
        error = await refused(tmp_path, Agreements((agreement(),), (other,)))
        assert (error.reason, "syn-pay-1" in str(error)) == ("AGREEMENT_CHANGED", True)


async def test_a_successor_counts_from_its_first_day_and_must_name_whom_it_replaces(
    tmp_path: Path,
) -> None:
    prepare(tmp_path)
    await start(tmp_path, Agreements((agreement(),)))
    silent = agreement("syn-2", days=10)
    assert (await refused(tmp_path, Agreements((silent,)))).reason == "AGREEMENT_OVERLAPS"
    strange = replace(silent, replaces="syn-0")
    assert (await refused(tmp_path, Agreements((strange,)))).reason == "AGREEMENT_UNKNOWN"
    await start(tmp_path, Agreements((replace(silent, replaces="syn-1"),)))
    counting = [[s.limit.limit_id for s in told(tmp_path, days=day)] for day in (0, 9, 10)]
    assert counting == [["syn-1"], ["syn-1"], ["syn-2"]]
    await start(tmp_path, Agreements((silent,)))


async def test_several_gateways_with_one_file_record_it_once(tmp_path: Path) -> None:
    prepare(tmp_path)
    agreements = Agreements((agreement(),), (PAYMENT,))
    await start(tmp_path, agreements)
    async with opened(tmp_path, agreements=agreements) as house:
        await house.log.publish()
        kept = house.store.snapshots.engine
        with kept.connect() as connection, connection.begin():
            assert len(all_limits(connection)) == 1
