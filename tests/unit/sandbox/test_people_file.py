"""people.toml: what is wrong is told with file and line, and nobody real is let in."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.sandbox.bad_seed import BadSeed
from adapters.sandbox.catalogue import read_catalogue
from adapters.sandbox.dictionaries import read_dictionaries
from adapters.sandbox.people import read_people
from adapters.sandbox.provinces import PROVINCES
from adapters.sandbox.seed_files import SHIPPED, SeedFiles, own_files, write_example

ZHEJIANG = PROVINCES["zhejiang"]
GOOD = """[[person]]
psn_no = "33040000000000000000000001"
certno = "003321198503120117"
card_no = "T00002015"
token = "SYN-1"
name = "测试甲"
born = "1985-03-12"
filed = ["310000"]

[[person.insured]]
scheme = "employee"
kind = "active"
status = "active"
area = "330421"
account = "3000.00"
accumulators = { DEDC = "100.00", STAY = "1" }
"""
WRONG = [
    ('"003321198503120117"', '"33' + '0421198503120117"', 3, "须以 00 开头"),
    ('"003321198503120117"', '"003321198503120118"', 3, "校验位应为 7"),
    ('"003321198503120117"', '"0033211985031201"', 3, "18 位"),
    ('"1985-03-12"', '"1985-03-13"', 7, "不一致"),
    ('"1985-03-12"', '"12.3.1985"', 7, "应为日期"),
    ('name = "测试甲"\n', "", 1, "缺少 name"),
    ('["310000"]', '"310000"', 8, "统筹区的列表"),
    ('"employee"', '"farmer"', 11, "employee、resident"),
    ('"active"\nstatus', '"student"\nstatus', 12, "active、retired"),
    ('status = "active"', 'status = "gone"', 13, "active、paused"),
    ('"330421"', '"310118"', 14, "不属于本平台的统筹区 330400"),
    ('"3000.00"', '"3000.001"', 15, "写元"),
    ('"3000.00"', '"-1"', 15, "不能为负"),
    ("DEDC =", "DEDX =", 16, "没有累计 DEDX"),
    ('STAY = "1"', 'STAY = "x"', 16, "住院次数"),
    ('filed = ["', 'filed = ["" "', 8, "不是合法的 TOML"),
    ("[[person.insured]]", "[[person.other]]", 2, "至少写一条参保信息"),
]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "people.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_person_is_read_as_written(tmp_path: Path) -> None:
    (found,) = read_people(write(tmp_path, GOOD), ZHEJIANG)
    assert (found.person.gend, found.person.filed) == ("1", "310000")
    ((row, used),) = found.insured
    assert (row.insutype, row.balance_fen, used) == ("310", 300_000, {"DEDC": 10_000, "STAY": 1})


@pytest.mark.parametrize(("right", "wrong", "line", "words"), WRONG)
def test_a_mistake_is_told_with_its_line(
    tmp_path: Path, right: str, wrong: str, line: int, words: str
) -> None:
    assert right in GOOD
    path = write(tmp_path, GOOD.replace(right, wrong, 1))
    with pytest.raises(BadSeed) as refused:
        read_people(path, ZHEJIANG)
    said = str(refused.value)
    assert said.startswith(f"{path}:{line}: ")
    assert words in said


def test_two_people_do_not_share_a_number_and_the_second_line_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, f"{GOOD}\n{GOOD}")
    with pytest.raises(BadSeed, match=r"people\.toml:19: psn_no 与第 1 人相同"):
        read_people(path, ZHEJIANG)


def test_an_empty_file_says_what_belongs_in_it(tmp_path: Path) -> None:
    with pytest.raises(BadSeed, match="至少写一人"):
        read_people(write(tmp_path, ""), ZHEJIANG)


@pytest.mark.parametrize("province", sorted(PROVINCES))
def test_what_ships_is_right(province: str) -> None:
    assert read_people(SeedFiles(province, None).people, PROVINCES[province])


def test_a_table_with_a_bad_row_names_the_row(tmp_path: Path) -> None:
    path = tmp_path / "catalogue_310000.csv"
    head = "item_code,name_zh,class,self_pay_ratio,price_limit,restricted,valid_from,valid_until\n"
    good = "X,药,b,0.10,,0,2023-01-01,\n"
    for bad, words in (
        ("Y,药,d,0.10,,0,2023-01-01,\n", "class 为"),
        ("Y,药,b,1.10,,0,2023-01-01,\n", "self_pay_ratio"),
        ("Y,药,b,x,,0,2023-01-01,\n", "无法使用"),
        ("Y,药,b,0.1,,0,someday,\n", "无法使用"),
        ("Y,药,b\n", "列数不对"),
    ):
        path.write_text(head + good + bad, encoding="utf-8")
        with pytest.raises(BadSeed, match=rf"310000\.csv:3: .*{words}"):
            read_catalogue(path, after_limit=False)
    path.write_text("code,name\n", encoding="utf-8")
    with pytest.raises(BadSeed, match=r":1: 表头缺少列 item_code"):
        read_catalogue(path, after_limit=False)
    with pytest.raises(BadSeed, match=r":1: 表头缺少列 kind"):
        read_dictionaries(path)


def test_a_file_that_nothing_would_read_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    (tmp_path / "README.md").write_text("说明")
    assert [path.name for path in own_files(tmp_path)] == ["people.toml"]
    (tmp_path / "peple.toml").write_text(GOOD)
    with pytest.raises(BadSeed, match=r"peple\.toml: 没有这种初始数据文件。可用:people\.toml"):
        own_files(tmp_path)
    with pytest.raises(BadSeed, match="不是目录"):
        own_files(tmp_path / "nowhere")


def test_the_example_is_the_shipped_set_and_overwrites_nothing(tmp_path: Path) -> None:
    catalogue = SHIPPED / "policies" / "catalogue_anhui.csv"
    written = write_example(tmp_path / "mine", "anhui", {"348800": catalogue})
    assert {path.name for path in written} == {
        "people.toml", "institutions.toml", "dictionary.csv", "catalogue_348800.csv", "README.md",
    }  # fmt: skip
    assert own_files(tmp_path / "mine")
    assert read_people(tmp_path / "mine" / "people.toml", PROVINCES["anhui"])
    with pytest.raises(BadSeed, match="不覆盖"):
        write_example(tmp_path / "mine", "anhui", {})
