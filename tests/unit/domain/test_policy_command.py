"""`yrd policy`: what it prints, what it refuses, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.commands.policy import app
from gateway.commands.policy_cases import BadRow, check_cases
from tests.unit.domain.books import DAY, book

CASES = Path(__file__).parents[2] / "golden" / "benefits" / "cases.csv"
HEADER = (
    "case_id,insured_city,insured_area_code,scheme,person_status,visit_type,hospital_level,stay_no,"
    "visited_city,filed,service_date,inscp_scp_amt,expected_fund"
)
GOOD = "X,上海,310000,职工,在职,门诊,三级,,上海,n/a,,800.00,210.00"


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.stdout, result.stderr


def cases_file(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text("\n".join((HEADER, *rows)) + "\n", encoding="utf-8")
    return path


def test_the_golden_cases_pass_and_every_case_is_printed() -> None:
    code, out, _ = run("check", str(CASES))
    assert code == 0
    assert "G01" in out and "0 例不一致,0 行有误" in out


def test_a_difference_is_shown_with_its_working_and_exits_1(tmp_path: Path) -> None:
    path = cases_file(tmp_path, GOOD, GOOD.replace("210.00", "210.01"))
    code, out, _ = run("check", str(path))
    assert code == 1
    assert "不一致" in out and "计算过程" in out


def test_json_is_one_document(tmp_path: Path) -> None:
    code, out, _ = run("check", str(cases_file(tmp_path, GOOD)), "--json")
    document = json.loads(out)
    assert code == 0
    assert document["ok"] is True
    assert document["cases"][0]["amounts_fen"]["fund"] == 21_000


def test_a_day_is_taken_for_rows_without_one(tmp_path: Path) -> None:
    row = "X,上海,310000,职工,在职,门诊,三级,,上海,n/a,,2000.00,350.00"
    path = cases_file(tmp_path, row)
    assert run("check", str(path), "--as-of", "2023-06-30")[0] == 0
    assert run("check", str(path))[0] == 1
    assert run("check", str(path), "--as-of", "June")[0] == 2


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (GOOD.replace("在职", "any"), "有不同结果"),
        (GOOD.replace("在职", "学徒"), "person_status"),
        (GOOD.replace("在职", "60+"), "不相配"),
        (GOOD.replace("职工", "农民"), "scheme"),
        (GOOD.replace("门诊", "体检"), "visit_type"),
        (GOOD.replace("三级", "四级"), "hospital_level"),
        (GOOD.replace("800.00", "800.005"), "inscp_scp_amt"),
        (GOOD.replace("800.00", "-1"), "不能为负"),
        (GOOD.replace("210.00", ""), "expected_fund"),
        (GOOD.replace("310000", "31"), "6 位"),
        (GOOD.replace("310000", "320500"), "不符"),
        ("X,火星,,职工,在职,门诊,三级,,上海,n/a,,800.00,210.00", "insured_city"),
        ("X,深圳,440300,职工,在职,门诊,三级,,深圳,yes,,800.00,210.00", "440300"),
        (GOOD.replace("上海,n/a", "苏州,n/a"), "yes 或 no"),
        (GOOD.replace("n/a", "maybe"), "filed"),
        (GOOD.replace("n/a,,", "n/a,2025-02-30,"), "service_date"),
        (GOOD.replace("门诊,三级,", "住院,三级,0"), "stay_no"),
        (GOOD.replace("门诊,三级,", "住院,三级,first"), "stay_no"),
        ("X,嘉兴,330400,职工,退休,住院,三级,1,嘉兴,n/a,,800.00,210.00", "支付比例"),
        ("X,上海", "scheme"),
    ],
)
def test_a_row_that_is_no_case_is_told_with_its_number(
    tmp_path: Path, row: str, reason: str
) -> None:
    good, bad = check_cases(cases_file(tmp_path, GOOD, row), book(), as_of=DAY)
    assert not isinstance(good, BadRow) and good.agrees
    assert isinstance(bad, BadRow)
    assert bad.row == 3 and reason in bad.reason_zh


def test_a_bad_row_exits_1_and_goes_to_stderr(tmp_path: Path) -> None:
    code, out, err = run("check", str(cases_file(tmp_path, GOOD, GOOD.replace("800.00", "x"))))
    assert code == 1
    assert "第 3 行" in err and "1 行有误" in out


@pytest.mark.parametrize(
    ("status", "fund"),
    [
        ("19-59", "150.00"), ("19–59岁", "150.00"), ("60+", "250.00"), ("60岁及以上", "250.00"),
        ("学生", "250.00"), ("学生儿童", "250.00"), ("19~59 岁居民", "150.00"),
    ],
)  # fmt: skip
def test_age_bands_are_read_as_people_write_them(tmp_path: Path, status: str, fund: str) -> None:
    row = f"X,上海,310000,居民,{status},门诊,三级,,上海,n/a,,800.00,{fund}"
    code, _, err = run("check", str(cases_file(tmp_path, row)))
    assert (code, err) == (0, "")


@pytest.mark.parametrize("level", ["三级甲等", "三级医院", " 三级 "])
def test_grades_and_schemes_are_read_with_what_surrounds_them(tmp_path: Path, level: str) -> None:
    row = f"X,上海市,310118,城镇职工医保,在职人员,普通门诊,{level},,,N/A,,800.00,210.00"
    code, _, err = run("check", str(cases_file(tmp_path, row)))
    assert (code, err) == (0, "")


def test_filed_no_applies_the_drop_whatever_city_is_named(tmp_path: Path) -> None:
    row = "X,苏州,320500,职工,在职,住院,三级,1,{},no,,20000.00,13440.00"
    rows = [row.format(city) for city in ("上海", "嘉善", "杭州", "")]
    assert run("check", str(cases_file(tmp_path, *rows)))[0] == 0


def test_a_file_that_holds_no_cases_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    code, _, err = run("check", str(path))
    assert code == 1 and "缺少列" in err
    assert run("check", str(tmp_path / "absent.csv"))[0] == 1
    assert run("check", str(cases_file(tmp_path)))[0] == 1


def test_show_prints_figures_with_source_and_confidence() -> None:
    code, out, _ = run("show", "320509", "--as-of", "2025-09-30")
    assert code == 0
    assert "苏州市" in out and "350,000.00" in out and "二手" in out and "未定事项" in out


def test_show_knows_all_regions_and_what_changes_with_the_day() -> None:
    document = json.loads(run("show", "--json", "--as-of", "2025-06-30")[1])
    assert [p["region"] for p in document["policies"]] == ["310000", "320500", "330400"]
    caps = [r["amount_fen"] for r in document["policies"][0]["rules"] if r["table"] == "cap"]
    assert 63_000_000 in caps and 65_000_000 not in caps


@pytest.mark.parametrize("region", ["440300", "31"])
def test_show_refuses_a_region_it_does_not_know(region: str) -> None:
    code, _, err = run("show", region)
    assert code == 1 and err


def test_lint_is_content_with_what_ships_and_exits_1_on_a_finding(tmp_path: Path) -> None:
    assert run("lint")[0] == 0
    source = (CASES.parents[3] / "gateway" / "policies" / "suzhou.toml").read_text("utf-8")
    (tmp_path / "suzhou.toml").write_text(source.replace('fund = "emp', 'fund = "x'), "utf-8")
    code, out, _ = run("lint", "--policies", str(tmp_path), "--json")
    assert code == 1
    assert {f["code"] for f in json.loads(out)["findings"]} == {"UNKNOWN_FUND"}
    assert "UNKNOWN_FUND" in run("lint", "--policies", str(tmp_path))[1]
