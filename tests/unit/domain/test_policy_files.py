"""政策文件 and 目录文件: what is refused, with the place."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.catalogue_files import COLUMNS, load_catalogues, read_catalogue
from gateway.policy_files import (
    POLICY_DIR,
    PolicyFileError,
    load_policy_book,
    read_policies,
    read_policy,
)

HEAD = """
[policy]
region = "310000"
name = "上海市"
version = "1"
usable_from = 2023-01-01
"""


def parsed(tmp_path: Path, text: str) -> str:
    """What is said about a file: empty if it can be read."""
    path = tmp_path / "a.toml"
    path.write_text(text, encoding="utf-8")
    try:
        read_policy(path)
    except PolicyFileError as error:
        return str(error)
    return ""


def rule(**changes: str) -> str:
    keys = {"id": '"310000.x"', "percent": "70", "source": '"S"', "confidence": '"medium"'}
    return HEAD + "[[ratio]]\n" + "\n".join(f"{k} = {v}" for k, v in (keys | changes).items())


def test_a_rule_that_is_as_it_should_be(tmp_path: Path) -> None:
    assert parsed(tmp_path, rule()) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[policy", "不是 UTF-8 的 TOML"),
        ("[[ratio]]", "缺少 [policy]"),
        (HEAD.replace("2023-01-01", "1"), "usable_from"),
        (HEAD + "[[rebate]]\nid = 1", "不认识的表 rebate"),
        (HEAD + "ratio = 1", "不认识的键"),
        (rule(colour='"red"'), "colour"),
        (rule(percent='"70"'), "percent"),
        (rule(percent="true"), "percent"),
        (rule(confidence='"sure"'), "confidence"),
        (rule(persons='["pensioner"]'), "persons"),
        (rule(persons="[1]"), "persons"),
        (rule(when="{ a = 1 }"), "when"),
        (rule().replace("percent = 70\n", ""), "percent:缺少"),
        (rule().replace("[[ratio]]", "[[cap]]").replace("percent = 70",
            'kind = "annual_cap"\namount = 1.005'), "amount"),
        (rule().replace("[[ratio]]", "[[insurance_year]]").replace("percent = 70",
            "start_month = 2\nstart_day = 29"), "start_month"),
        (rule().replace("[[ratio]]", "[[ratio_drop]]").replace("percent = 70",
            'points = 1\nfilings = ["mood"]'), "filings"),
    ],
)  # fmt: skip
def test_a_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    assert said in parsed(tmp_path, text)


def test_a_directory_needs_policies_and_one_file_a_region(tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError):
        read_policies(tmp_path)
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(HEAD, encoding="utf-8")
    with pytest.raises(PolicyFileError):
        read_policies(tmp_path)


def test_a_book_with_findings_is_not_loaded(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(rule(), encoding="utf-8")
    with pytest.raises(PolicyFileError, match=r"UNSOURCED|NO_YEAR"):
        load_policy_book(tmp_path)


@pytest.mark.parametrize(
    "settings",
    [
        {"999999": {"preself_basis": "before_limit"}},
        {"310000": {"no_such_setting": "1"}},
        {"310000": {"preself_basis": "sideways"}},
    ],
)
def test_an_override_must_name_what_exists(settings: dict[str, dict[str, str]]) -> None:
    with pytest.raises(PolicyFileError):
        load_policy_book(settings=settings)


def test_an_override_changes_the_version_that_receipts_name() -> None:
    changed = load_policy_book(settings={"310000": {"over_cap_base": "expense_over_cap"}})
    assert changed.of("310000").version_id != load_policy_book().of("310000").version_id


def test_every_shipped_item_says_that_it_is_synthetic_and_all_regions_share_the_codes() -> None:
    book = load_catalogues()
    items = {region: book.of(region).items for region in book.regions}
    assert all(
        i.code.startswith("SYN-") and "synthetic" in i.source for r in items.values() for i in r
    )
    assert len({frozenset(i.code for i in r) for r in items.values()}) == 1


ROW = "SYN-1,示例,b,0.10,1.00,0,2023-01-01,,synthetic"


def edited(change: Callable[[str], str], tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.csv"
    path.write_text(",".join(COLUMNS) + "\n" + change(ROW) + "\n", encoding="utf-8")
    return path


def test_a_catalogue_row_that_is_as_it_should_be(tmp_path: Path) -> None:
    assert len(read_catalogue(edited(lambda row: row, tmp_path), "310000").items) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda row: row + ",more",
        lambda row: row.replace(",synthetic", ""),
        lambda row: row.replace("0.10", "1.10"),
        lambda row: row.replace("0.10", "0.12345"),
        lambda row: row.replace("1.00", "1.0000001"),
        lambda row: row.replace(",b,", ",d,"),
        lambda row: row.replace("2023-01-01", "2023-02-30"),
        lambda row: row.replace(",synthetic", ","),
        lambda row: row + "\n" + row,
    ],
)
def test_a_bad_catalogue_row_is_refused(change: Callable[[str], str], tmp_path: Path) -> None:
    with pytest.raises(PolicyFileError):
        read_catalogue(edited(change, tmp_path), "310000")


def test_a_catalogue_needs_its_header_and_its_file(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(PolicyFileError):
        read_catalogue(path, "310000")
    with pytest.raises(PolicyFileError):
        load_catalogues(tmp_path / "nowhere")


def test_a_copy_of_the_directory_reads_the_same(tmp_path: Path) -> None:
    copy = tmp_path / "policies"
    shutil.copytree(POLICY_DIR, copy)
    ours, theirs = load_policy_book(), load_policy_book(copy)
    assert [p.version_id for p in ours.policies] == [p.version_id for p in theirs.policies]
