"""Dictionaries in the database: taken over whole or not at all, never changed, read as loaded."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.domain.dictionary import DictionaryRow, Standing, UnknownCode
from gateway.domain.errors import DomainError, Refused
from gateway.store.dictionaries import (
    DISTINCT_MAX,
    loaded_days,
    note_unknown,
    read_dictionaries,
    take_over,
    unknown_codes,
)
from gateway.store.engine import write_engine
from tests.integration.store.house import Intent, opened, options, prepare

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)
AT = datetime(2026, 7, 1, 1, 2, 3, tzinfo=UTC)


def rows(*codes: str, kind: str = "clr_type") -> tuple[DictionaryRow, ...]:
    return tuple(DictionaryRow(kind, code, f"名称{code}", "0", True, "1") for code in codes)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def loads(directory: Path, *steps: tuple[tuple[DictionaryRow, ...], date]) -> None:
    """Each step is an answer as of a day, in a transaction of its own."""
    engine = write_engine(options(directory).database)
    try:
        for number, (answered, day) in enumerate(steps):
            msgid = f"M{number:029d}"
            with engine.begin() as connection:
                take_over(connection, "31", answered[0].kind, answered, day=day, msgid=msgid, at=AT)
    finally:
        engine.dispose()


async def test_what_was_loaded_is_read_at_the_start_with_its_history(directory: Path) -> None:
    loads(directory, (rows("11", "21"), JUNE), (rows("11", "41"), JULY))
    async with opened(directory) as house:
        table = house.dictionaries().of("31")
        assert table.standing("clr_type", "21", JUNE) is Standing.VALID
        assert table.standing("clr_type", "21", JULY) is Standing.WITHDRAWN
        assert table.standing("clr_type", "41", JUNE) is Standing.ABSENT
        assert table.standing("clr_type", "41", JULY) is Standing.VALID
        assert house.dictionaries().of("33").kinds(JULY) == ()


async def test_a_refused_answer_leaves_nothing_behind(directory: Path) -> None:
    loads(directory, (rows("11"), JULY))
    with pytest.raises(Refused, match="loaded as of"):
        loads(directory, (rows("11"), JUNE))
    engine = write_engine(options(directory).database)
    with engine.begin() as connection:
        assert loaded_days(connection, "31") == {"clr_type": JULY}
        assert len(connection.execute(text("SELECT * FROM dictionary_load")).all()) == 1
    engine.dispose()


@pytest.mark.parametrize("table", ["dictionary_code", "dictionary_load"])
@pytest.mark.parametrize("act", ["UPDATE {0} SET kind = 'x'", "DELETE FROM {0}"])
async def test_no_row_can_be_changed_or_removed(directory: Path, table: str, act: str) -> None:
    loads(directory, (rows("11"), JUNE))
    engine = write_engine(options(directory).database)
    try:
        with pytest.raises(DBAPIError), engine.begin() as connection:
            connection.execute(text(act.format(table)))
    finally:
        engine.dispose()


async def test_the_same_code_of_the_same_day_cannot_be_written_twice(directory: Path) -> None:
    loads(directory, (rows("11"), JUNE))
    with pytest.raises((DBAPIError, DomainError)):
        loads(directory, (rows("11"), JUNE))  # the msgid of a load is taken, too


async def test_unknown_codes_are_counted_and_name_their_claim(directory: Path) -> None:
    async with opened(directory) as house:
        claim = await house.store.write(Intent("r-1"))
        msgid = claim.messages[-1].msgid
        for times in (1, 2):
            await house.note_unknown(
                (
                    (UnknownCode("33", "clr_type", "clr_type", "77", "2207A", msgid), times),
                    (UnknownCode("33", "gend", "gend", "003118195203158882", "1101", "P1"), 1),
                )
            )
        found = await house.store.snapshots.read(unknown_codes)
    assert [(c.province, c.field, c.code, c.count, c.claim_id) for c in found] == [
        ("33", "clr_type", "77", 3, claim.claim_id),
        ("33", "gend", "(18 characters, no code)", 2, ""),
    ]
    assert found[0].first <= found[0].last


@pytest.mark.sqlite
async def test_a_region_that_answers_noise_fills_no_table(directory: Path) -> None:
    noise = [
        (UnknownCode("33", "clr_type", "clr_type", f"{number}", "2207A", "M"), 1)
        for number in range(DISTINCT_MAX + 20)
    ]
    engine = write_engine(options(directory).database)
    with engine.begin() as connection:
        note_unknown(connection, noise, at=AT)
        note_unknown(connection, noise[:1], at=AT)
        found = unknown_codes(connection)
        assert len(found) == DISTINCT_MAX
        assert found[0].count == 2
        assert read_dictionaries(connection).tables == {}
    engine.dispose()
