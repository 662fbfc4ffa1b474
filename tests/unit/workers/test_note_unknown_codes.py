"""Unknown codes are counted, told once, and never lost to a write that fails."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.domain.dictionary import UnknownCode
from gateway.domain.errors import StorageUnavailable
from gateway.workers.note_unknown_codes import DISTINCT_MAX, NoteUnknownCodes


class Lines:
    """A logger that remembers."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.told.append({"event": event, **fields})

    warning = error = info


class List:
    """The list, which may fail."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str, int, str]] = []
        self.fails = False

    async def __call__(self, found: tuple[tuple[UnknownCode, int], ...]) -> None:
        if self.fails:
            raise StorageUnavailable("disk")
        self.written += [(code.field, code.code, times, code.msgid) for code, times in found]


def code(text: str, msgid: str = "m1", field: str = "clr_type") -> UnknownCode:
    return UnknownCode("33", field, field, text, "2207A", msgid)


@pytest.fixture
def lines() -> Lines:
    return Lines()


async def test_codes_are_counted_with_their_newest_message(lines: Lines) -> None:
    noting, kept = NoteUnknownCodes(logger=lines), List()
    noting.write_with(kept)
    for msgid in ("m1", "m2", "m3"):
        noting.seen(code("77", msgid))
    noting.seen(code("88"))
    assert await noting() == 2
    assert kept.written == [("clr_type", "77", 3, "m3"), ("clr_type", "88", 1, "m1")]
    assert await noting() == 0
    assert noting.counts[("33", "clr_type")] == 4


async def test_each_code_has_one_line_in_the_log(lines: Lines) -> None:
    noting = NoteUnknownCodes(logger=lines)
    for text in ("77", "77", "88"):
        noting.seen(code(text))
    assert [line["error_code"] for line in lines.told] == ["77", "88"]
    assert lines.told[0]["event"] == "unknown_code"
    assert lines.told[0]["kind"] == "clr_type"


async def test_a_person_s_number_in_a_coded_field_is_never_told(lines: Lines) -> None:
    noting = NoteUnknownCodes(logger=lines)
    noting.seen(code("003118195203158882"))
    assert "003118195203158882" not in str(lines.told)
    assert lines.told[0]["error_code"] == "(18 characters, no code)"


async def test_a_write_that_fails_is_made_good_by_the_next_round(lines: Lines) -> None:
    noting, kept = NoteUnknownCodes(logger=lines), List()
    noting.write_with(kept)
    noting.seen(code("77"))
    kept.fails = True
    with pytest.raises(StorageUnavailable):
        await noting()
    noting.seen(code("77", "m2"))
    kept.fails = False
    assert await noting() == 1
    assert kept.written == [("clr_type", "77", 2, "m2")]


async def test_a_platform_that_answers_noise_does_not_fill_our_memory(lines: Lines) -> None:
    noting, kept = NoteUnknownCodes(logger=lines), List()
    noting.write_with(kept)
    for number in range(DISTINCT_MAX + 50):
        noting.seen(code(f"{number}"))
    assert await noting() == DISTINCT_MAX
    assert len(lines.told) == DISTINCT_MAX


async def test_before_the_store_is_open_codes_wait(lines: Lines) -> None:
    noting, kept = NoteUnknownCodes(logger=lines), List()
    noting.seen(code("77"))
    assert await noting() == 0
    noting.write_with(kept)
    assert await noting() == 1
