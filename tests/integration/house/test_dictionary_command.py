"""`yrd dictionary` as people type it: loaded from a platform, gone on with, shown, and unknown."""

from __future__ import annotations

import asyncio
import json
import re
import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from adapters.baseline.dictionary import USED
from adapters.sandbox.server import Sandbox
from gateway.demo.layout import PROVINCES, DataDir
from gateway.domain.dictionary import DictionaryRow, UnknownCode
from gateway.policy_files import POLICY_DIR
from gateway.store.dictionaries import note_unknown, take_over
from gateway.store.engine import write_engine
from gateway.store.lock import WriterLock
from tests.integration.house.command import yrd

NOW = datetime.now(UTC)


@pytest.fixture
async def platforms(data: Path) -> AsyncIterator[dict[str, Sandbox]]:
    """The stand-ins of this data directory, with yrd.toml pointing at them."""
    place, running = DataDir(data), {}
    text = place.settings.read_text(encoding="utf-8")
    for code, name in PROVINCES.items():
        secrets = tomllib.loads(place.platform_secrets(name).read_text(encoding="utf-8"))
        running[name] = Sandbox(
            province=name,
            state_dir=place.sandbox,
            policies_dir=POLICY_DIR,
            secrets=secrets,
            clock=lambda: datetime.now(UTC),
        )
        url = await running[name].start()
        before, section = text.split(f"[regions.{code}]")
        text = (
            before
            + f"[regions.{code}]"
            + re.sub(r'base_url = "[^"]*"', f'base_url = "{url}"', section, count=1)
        )
    place.settings.write_text(text, encoding="utf-8")
    yield running
    for sandbox in running.values():
        await sandbox.stop()


async def said(*words: object) -> tuple[int, str]:
    """The command in a thread of its own, so that the platforms can answer."""
    return await asyncio.to_thread(yrd, "dictionary", *words)


async def document(*words: object) -> Any:
    code, text = await said(*words, "--json")
    assert code in (0, 1), text
    return json.loads(text)


@pytest.mark.parametrize("province", sorted(PROVINCES.values()))
async def test_every_dictionary_that_we_use_is_loaded_and_holds_what_we_send(
    province: str, data: Path, platforms: dict[str, Sandbox]
) -> None:
    code, text = await said("load", province, "--data", data)
    assert code == 0, text
    assert text.count("✓") == len(USED)
    rows = await document("show", province, "--data", data)
    assert {row["kind"] for row in rows} == set(USED)
    by_kind = {row["kind"]: row for row in rows}
    assert by_kind["clr_type"]["understood"] >= 4
    assert by_kind["clr_type"]["name_zh"] == "清算类别"
    shown = await document("show", province, "--kind", "insutype", "--data", data)
    understood = {row["code"] for row in shown["insutype"] if row["understood"]}
    assert understood == {"310", "390"}


async def test_a_second_run_of_the_day_asks_nothing(
    data: Path, platforms: dict[str, Sandbox]
) -> None:
    await said("load", "31", "--data", data)
    asked = platforms["shanghai"].state()["calls"]
    code, text = await said("load", "shanghai", "--data", data)
    assert code == 0
    assert text.count("当日已装载") == len(USED)
    assert platforms["shanghai"].state()["calls"] == asked


async def test_asked_again_on_the_same_day_the_same_answer_adds_nothing(
    data: Path, platforms: dict[str, Sandbox]
) -> None:
    words = ("load", "jiangsu", "--kind", "clr_type", "--data", data)
    await said(*words)
    (found,) = await document(*words, "--again")
    assert found["taken_over"] is True
    assert (found["new"], found["changed"], found["withdrawn"], found["same"]) == ([], [], [], 5)


async def test_a_code_that_we_use_is_not_lost_without_a_person_s_word(
    data: Path, platforms: dict[str, Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = files("adapters.zhejiang").joinpath("profile.toml").read_text("utf-8")
    section = shipped[shipped.index("[[dictionary]]") : shipped.index("[[aliases]]")]
    own = section.replace('clearing_types = ["11", ', 'clearing_types = ["51", "11", ')
    (tmp_path / "own.toml").write_text(f'province = "33"\n\n{own}', encoding="utf-8")
    monkeypatch.setenv("YRD_REGIONS__33__PROFILE_FILE", str(tmp_path / "own.toml"))
    rows = [DictionaryRow("clr_type", code, f"名称{code}", "0", True, "1") for code in ("11", "51")]
    engine = write_engine(data / "yrd.db")
    with engine.begin() as connection:
        take_over(
            connection, "33", "clr_type", tuple(rows), day=date(2026, 6, 1), msgid="M1", at=NOW
        )
    engine.dispose()
    words = ("load", "zhejiang", "--kind", "clr_type", "--data", data)
    code, text = await said(*words)
    assert code == 1
    assert "不再列出本网关要用的代码 51" in text
    shown = await document("show", "zhejiang", "--kind", "clr_type", "--data", data)
    assert [row["code"] for row in shown["clr_type"] if row["valid"]] == ["11", "51"]
    code, text = await said(*words, "--withdraw")
    assert code == 0
    assert "- 51 名称51" in text


async def test_what_changed_since_an_earlier_day_is_told_and_the_past_keeps_its_own(
    data: Path, platforms: dict[str, Sandbox]
) -> None:
    kinds = ("--kind", "dscg_way", "--kind", "med_type", "--data", data)
    assert (await said("load", "shanghai", "--day", "2026-06-30", *kinds))[0] == 0
    code, text = await said("load", "shanghai", *kinds)
    assert code == 0
    assert "~ 3 医嘱转社区卫生服务机构乡镇卫生院 → 医嘱转社区卫生服务机构" in text
    assert "- 8 旧离院方式" in text
    assert "+ 9908 互联网复诊" in text
    past = await document("show", "shanghai", "--day", "2026-06-30", *kinds)
    today = await document("show", "shanghai", *kinds)
    assert {r["code"]: r["valid"] for r in past["dscg_way"]}["8"] is True
    assert {r["code"]: r["valid"] for r in today["dscg_way"]}["8"] is False
    code, text = await said("load", "shanghai", "--day", "2026-01-01", *kinds)
    assert code == 1
    assert "不能再装载更早的" in text


async def test_one_document_tells_what_was_taken_over(
    data: Path, platforms: dict[str, Sandbox]
) -> None:
    kinds = ("--kind", "dscg_way", "--data", data)
    await said("load", "shanghai", "--day", "2026-06-30", *kinds)
    (found,) = await document("load", "shanghai", *kinds)
    assert found["taken_over"] is True
    assert [row["code"] for row in found["changed"]] == ["3"]
    assert [row["code"] for row in found["withdrawn"]] == ["8"]
    log = DataDir(data).logs / "gateway.jsonl"
    assert '"event":"dictionary_loaded"' in log.read_text(encoding="utf-8")


async def test_a_refused_dictionary_is_told_and_the_others_are_taken_over(
    data: Path, platforms: dict[str, Sandbox]
) -> None:
    code, text = await said("load", "jiangsu", "--kind", "dept", "--kind", "gend", "--data", data)
    assert code == 1
    assert "平台拒绝(-1):本平台没有字典 dept" in text
    assert "✓ 性别 gend" in text


async def test_a_platform_that_does_not_answer_ends_the_run_and_the_next_goes_on(
    data: Path, platforms: dict[str, Sandbox]
) -> None:
    await said("load", "zhejiang", "--kind", "gend", "--data", data)
    await platforms["zhejiang"].stop()
    code, text = await said("load", "zhejiang", "--data", data)
    assert code == 1
    assert "没有得到答复" in text
    assert "从中断处继续" in text
    assert text.count("✗") == 1
    rows = await document("show", "zhejiang", "--data", data)
    assert [row["kind"] for row in rows] == ["gend"]


async def test_beside_a_gateway_that_writes_nothing_is_loaded(
    data: Path, platforms: dict[str, Sandbox]
) -> None:
    lock = WriterLock(data / "yrd.db")
    try:
        code, text = await said("load", "shanghai", "--data", data)
    finally:
        lock.release()
    assert code == 2
    assert "DATABASE_IN_USE" in text or "正由另一个进程" in text


def test_unknown_codes_are_listed_until_somebody_knows_them(data: Path) -> None:
    assert yrd("dictionary", "unknown", "--data", data) == (0, "没有未知代码。\n")
    engine = write_engine(data / "yrd.db")
    with engine.begin() as connection:
        found = [("insutype", "39999"), ("clr_type", "77"), ("clr_type", "11")]
        note_unknown(
            connection,
            [(UnknownCode("33", field, field, code, "2207A", "M1"), 2) for field, code in found],
            at=NOW,
        )
    engine.dispose()
    code, text = yrd("dictionary", "unknown", "--data", data)
    assert code == 1
    assert "清算类别 clr_type" in text and "77" in text and "待人工核对" in text
    rows = json.loads(yrd("dictionary", "unknown", "--data", data, "--json")[1])
    # 11 was learnt since: the profile has it.
    assert [(r["field"], r["code"], r["count"]) for r in rows] == [
        ("clr_type", "77", 2), ("insutype", "39999", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("load", "atlantis"), "没有省份"),
        (("load", "shanghai", "--day", "tomorrow"), "不是日期"),
        (("load", "shanghai", "--day", "2999-01-01"), "晚于今天"),
        (("load", "shanghai", "--institution", "H00999999999"), "没有 H00999999999"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    words: tuple[str, ...], told: str, data: Path
) -> None:
    code, text = yrd("dictionary", *words, "--data", data)
    assert code == 2
    assert told in text.replace("\n", "")


def test_a_dictionary_that_was_never_loaded_is_named_also_on_days_before_any_profile(
    data: Path,
) -> None:
    for words in ((), ("--kind", "clr_typo"), ("--day", "2001-01-01")):
        code, text = yrd("dictionary", "show", "zhejiang", *words, "--data", data)
        assert code == 0
        assert "没有装载过 zhejiang 的字典" in text
        assert ("load zhejiang --kind clr_typo" in text.replace("\n", "")) is ("clr_typo" in words)
