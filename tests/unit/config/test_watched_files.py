"""A file that was replaced is in use from the next second on, unless it cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.config import ConfigError
from gateway.watched_files import FileWatch, Watched


class Lines:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.said.append((event, fields))

    warning = error = info


class Hand:
    """A watched number in a file, a clock set by hand, and how often the file was read."""

    def __init__(self, folder: Path) -> None:
        self.path, self.seconds, self.reads, self.lines = folder / "n", 0.0, 0, Lines()
        self.write("1")
        self.watch = FileWatch(lambda: self.seconds, self.lines)
        self.held: Watched[int] = self.watch.watch("number", [self.path], self.load)

    def load(self) -> int:
        self.reads += 1
        text = self.path.read_text(encoding="utf-8")
        if not text.isdigit():
            raise ConfigError(f"{self.path} 不是数字", reason="NO_NUMBER")
        return int(text)

    def write(self, text: str) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.path)


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(tmp_path)


def test_a_new_file_is_read_at_the_next_look_and_no_sooner(hand: Hand) -> None:
    hand.write("2")
    hand.seconds = 0.9
    assert hand.held() == 1
    hand.seconds = 1.0
    assert hand.held() == 2
    assert ("file_read_again", {"kind": "number"}) in hand.lines.said


def test_who_says_that_there_is_a_new_file_is_heard_at_once(hand: Hand) -> None:
    hand.write("2")
    hand.watch.look()
    assert hand.held() == 2


def test_a_file_of_the_same_size_is_another_one_all_the_same(hand: Hand) -> None:
    for number in range(2, 6):
        hand.write(str(number))
        hand.seconds += 1
        assert hand.held() == number


def test_a_file_that_did_not_change_is_not_read(hand: Hand) -> None:
    for _ in range(100):
        hand.seconds += 1
        hand.held()
    assert hand.reads == 1


def test_a_broken_file_changes_nothing_and_is_said_once(hand: Hand) -> None:
    hand.write("zwei")
    for _ in range(5):
        hand.seconds += 1
        assert hand.held() == 1
    assert [event for event, _ in hand.lines.said] == ["new_file_not_usable"]
    assert hand.watch.troubles() == (f"{hand.path} 不是数字 [NO_NUMBER]",)
    hand.write("3")
    hand.seconds += 1
    assert hand.held() == 3
    assert hand.watch.troubles() == ()


def test_what_nobody_foresaw_changes_nothing_either_and_quotes_nothing(hand: Hand) -> None:
    hand.write("²")  # a digit to isdigit(), and nothing to int()
    hand.seconds = 1
    assert hand.held() == 1
    (trouble,) = hand.watch.troubles()
    assert "ValueError" in trouble and "²" not in trouble


def test_a_file_that_is_gone_changes_nothing_but_is_told(hand: Hand) -> None:
    hand.path.unlink()
    hand.seconds = 1
    # Health asks, whether anybody uses the file or not.
    assert len(hand.watch.troubles()) == 1
    assert hand.held() == 1
    hand.write("4")
    hand.seconds = 2
    assert hand.held() == 4


def test_a_first_file_that_cannot_be_used_is_refused(hand: Hand) -> None:
    hand.write("zwei")
    with pytest.raises(ConfigError, match="不是数字"):
        hand.watch.watch("again", [hand.path], hand.load)
