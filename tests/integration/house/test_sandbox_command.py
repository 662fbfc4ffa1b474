"""`yrd sandbox` as people type it: what it refuses in words, seeds written, a state forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.sandbox.provinces import PROVINCES
from adapters.sandbox.seed_files import SeedFiles
from adapters.sandbox.seeding import seed
from adapters.sandbox.state import State
from tests.integration.house.command import yrd

NOWHERE = ("--port", "99999")
"""No port to listen at: whatever comes before listening is carried out, and the command ends."""


def test_an_example_of_seeds_is_written_for_every_province(tmp_path: Path) -> None:
    for province in PROVINCES:
        code, said = yrd("sandbox", province, "--write-seed", tmp_path / province)
        assert code == 0
        assert str(tmp_path / province / "people.toml") in said
        assert len(list((tmp_path / province).glob("catalogue_*.csv"))) == len(PROVINCES)
    code, said = yrd("sandbox", "anhui", "--write-seed", tmp_path / "anhui")
    assert code == 2
    assert "不覆盖" in said


def test_a_directory_whose_settings_say_production_is_refused(data: Path) -> None:
    settings = data / "yrd.toml"
    text = settings.read_text(encoding="utf-8")
    assert 'environment = "demo"' in text
    settings.write_text(text.replace('environment = "demo"', 'environment = "production"'))
    code, said = yrd("sandbox", "jiangsu", "--data", data, "--reset", "--yes")
    assert code == 2
    assert "仿真平台不在生产环境运行" in said
    assert not (data / "sandbox" / "jiangsu.sqlite3").exists()


@pytest.fixture
def jiangsu(data: Path) -> Iterator[State]:
    """A state with something in it that a reset forgets: msgid M is barred."""
    state = State(data / "sandbox" / "jiangsu.sqlite3")
    seed(state, PROVINCES["jiangsu"], SeedFiles("jiangsu", None))
    state.bar("M")
    yield state
    state.close()


def test_a_reset_is_confirmed_or_not_done(data: Path, jiangsu: State) -> None:
    code, said = yrd("sandbox", "jiangsu", "--data", data, "--reset", *NOWHERE)
    assert code == 2
    assert "请加 --yes" in said
    assert jiangsu.is_barred("M")
    code, said = yrd("sandbox", "jiangsu", "--data", data, "--reset", "--yes", *NOWHERE)
    assert code == 2
    assert "0–65535" in said
    assert not jiangsu.is_barred("M")


@pytest.mark.parametrize("mistake", [("--fault", "nonsense"), ("--seed", "/nowhere")])
def test_nothing_is_forgotten_for_a_mistake(
    data: Path, jiangsu: State, mistake: tuple[str, ...]
) -> None:
    code, _ = yrd("sandbox", "jiangsu", "--data", data, "--reset", "--yes", *mistake)
    assert code == 2
    assert jiangsu.is_barred("M")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--fault", "loose-reply=0.1"), "是否想写 lose-reply"),
        (("--fault", "delay=5"), "delay=0.5s"),
        (("--seed", "/nowhere"), "不是目录"),
        (("--messages", "-1"), "--messages"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_listens(
    data: Path, options: tuple[str, ...], says: str
) -> None:
    code, said = yrd("sandbox", "jiangsu", "--data", data, *options)
    assert code == 2
    assert says in said.replace("\n", "")
    assert "Traceback" not in said


def test_a_mistake_in_a_seed_is_said_with_its_line(data: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    yrd("sandbox", "jiangsu", "--write-seed", mine)
    people = mine / "people.toml"
    lines = people.read_text(encoding="utf-8").splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("certno"))
    lines[at] = 'certno = "32' + '0509198503120117"'
    people.write_text("\n".join(lines), encoding="utf-8")
    code, said = yrd("sandbox", "jiangsu", "--data", data, "--seed", mine, "--port", "0")
    assert code == 2
    assert f"people.toml:{at + 1}:" in said.replace("\n", "")
    assert "须以 00 开头" in said.replace("\n", "")
