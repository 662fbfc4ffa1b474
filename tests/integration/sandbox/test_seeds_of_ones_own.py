"""--seed: people of one's own, kept beside the state; what is on disk wins until it is reset."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from adapters.sandbox.bad_seed import BadSeed
from adapters.sandbox.seed_choice import start_anew
from adapters.sandbox.seed_files import write_example
from adapters.sandbox.server import Sandbox
from tests.integration.sandbox.hospital import PEOPLE, FakeClock, Hospital, sandbox_for
from tests.integration.sandbox.test_faults import visited

PERSON = PEOPLE["jiangsu"]["active"]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """The shipped set, in which the first person has 5.00 and is filed nowhere."""
    write_example(tmp_path / "mine", "jiangsu", {})
    people = tmp_path / "mine" / "people.toml"
    text = people.read_text(encoding="utf-8")
    assert 'account = "3000.00"' in text
    people.write_text(text.replace('account = "3000.00"', 'account = "5.00"', 1))
    return tmp_path / "mine"


@asynccontextmanager
async def running(
    state: Path, seed_dir: Path | None = None
) -> AsyncIterator[tuple[Sandbox, Hospital]]:
    clock = FakeClock()
    sandbox = sandbox_for("jiangsu", state, clock, seed_dir=seed_dir)
    url = await sandbox.start()
    try:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield sandbox, Hospital("jiangsu", url, session, clock)
    finally:
        await sandbox.stop()


async def balance(hospital: Hospital) -> str:
    found = await hospital.identify(PERSON["certno"])
    return str(found["insuinfo"][0]["balc"])


async def test_people_of_ones_own_are_there_and_stay_without_the_files(
    tmp_path: Path, mine: Path
) -> None:
    async with running(tmp_path / "state", mine) as (sandbox, hospital):
        assert await balance(hospital) == "5.00"
        assert not sandbox.seeds.ignored
    (mine / "people.toml").unlink()
    async with running(tmp_path / "state") as (_, hospital):
        assert await balance(hospital) == "5.00"


async def test_the_institutions_and_dictionaries_of_the_first_start_stay_too(
    tmp_path: Path, mine: Path
) -> None:
    (mine / "dictionary.csv").write_text(
        "kind,code,label,parent,valid_from,valid_until,source\n"
        "insutype,310,我的职工医保,0,2020-01-01,,合成\n"
    )
    ask = {"data": {"type": "insutype", "parentValue": "0", "admdvs": "320500",
                    "date": "2025-09-30", "valiFlag": "1"}}  # fmt: skip
    for given in (mine, None):
        async with running(tmp_path / "state", given) as (_, hospital):
            rows = (await hospital.send("1901", ask)).output["list"]
            assert [row["label"] for row in rows] == ["我的职工医保"]


async def test_what_is_on_disk_wins_over_a_later_seed(tmp_path: Path, mine: Path) -> None:
    async with running(tmp_path / "state") as (_, hospital):
        assert await balance(hospital) == "3000.00"
    async with running(tmp_path / "state", mine) as (sandbox, hospital):
        assert await balance(hospital) == "3000.00"
        assert sandbox.seeds.ignored


async def test_a_state_that_was_forgotten_begins_again_and_repeats_no_number(
    tmp_path: Path, mine: Path
) -> None:
    async with running(tmp_path / "state") as (sandbox, hospital):
        _, order = await visited(hospital)
        first = (await hospital.send("2207", order)).setlinfo["setl_id"]
    start_anew("jiangsu", tmp_path / "state")
    async with running(tmp_path / "state", mine) as (sandbox, hospital):
        assert await balance(hospital) == "5.00"
        assert sandbox.state()["settlements"] == []
        _, order = await visited(hospital)
        again = (await hospital.send("2207", order)).setlinfo["setl_id"]
    assert first < again


async def test_a_bad_file_stops_the_start_and_leaves_nothing(tmp_path: Path, mine: Path) -> None:
    people = mine / "people.toml"
    right = people.read_text(encoding="utf-8")
    people.write_text(right.replace('"active"', '"gone"', 1))
    sandbox = sandbox_for("jiangsu", tmp_path / "state", FakeClock(), seed_dir=mine)
    with pytest.raises(BadSeed, match=r"people\.toml:\d+: kind 没有"):
        await sandbox.start()
    await sandbox.stop()
    people.write_text(right)
    async with running(tmp_path / "state", mine) as (_, hospital):
        assert await balance(hospital) == "5.00"
