"""The agreements file: what it may say, and that what is wrong is told with file, entry and key."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.agreement_files import load_agreements
from gateway.config import ConfigError
from gateway.domain.agreement import Agreements
from ledger.limits import Enforcement
from ledger.reads import to_us

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "agreements.toml"

PREPAYMENT = """
[[prepayment]]
id = "syn-1"
insured = "330400"
visited = "310000"
fund = "pooled"
floor_yuan = "1000.50"
valid_from = 2026-11-01
source = "synthetic"
"""
PAYMENT = """
[[payment]]
id = "syn-pay-1"
insured = "330400"
visited = "310000"
fund = "pooled"
amount_yuan = 5000
paid_on = 2026-11-02
source = "synthetic"
"""


def read(tmp_path: Path, text: str) -> Agreements:
    path = tmp_path / "agreements.toml"
    path.write_text(text, encoding="utf-8")
    return load_agreements(path)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, text)
    return str(refused.value)


def test_without_a_file_there_are_no_agreements() -> None:
    assert load_agreements(None) == Agreements()


def test_a_prepayment_is_a_limit_that_warns_from_its_first_day_in_shanghai(tmp_path: Path) -> None:
    (agreement,) = read(tmp_path, PREPAYMENT).prepayments
    limit = agreement.limit
    assert limit.account.code == "330400/prepayment_asset/310000/pooled"
    assert limit.drawn_by is not None
    assert limit.drawn_by.code == "330400/payable/310000/pooled"
    assert (limit.floor_fen, limit.enforcement) == (100_050, Enforcement.WARN)
    assert limit.valid_from_us == to_us(datetime(2026, 10, 31, 16, tzinfo=UTC))
    assert limit.valid_until_us is None


def test_its_last_day_is_part_of_it(tmp_path: Path) -> None:
    text = PREPAYMENT + 'valid_until = 2026-11-30\nenforcement = "block"\nconfidence = "solid"\n'
    (agreement,) = read(tmp_path, text).prepayments
    assert agreement.limit.enforcement is Enforcement.BLOCK
    assert agreement.limit.in_force(to_us(datetime(2026, 11, 30, 15, 59, tzinfo=UTC)))
    assert not agreement.limit.in_force(to_us(datetime(2026, 11, 30, 16, tzinfo=UTC)))


def test_a_payment_is_an_entry_from_deposits_into_the_prepayment(tmp_path: Path) -> None:
    (payment,) = read(tmp_path, PAYMENT).payments
    (leg,) = payment.entry().legs
    assert (leg.debit.code, leg.amount_fen) == ("330400/prepayment_asset/310000/pooled", 500_000)
    assert leg.credit.code == "330400/fund_deposit/330400/pooled"


def test_a_later_agreement_may_replace_an_earlier_one_if_it_says_so(tmp_path: Path) -> None:
    later = PREPAYMENT.replace("syn-1", "syn-2").replace("2026-11-01", "2026-12-01")
    assert "replaces" in refusal(tmp_path, PREPAYMENT + later)
    assert len(read(tmp_path, PREPAYMENT + later + 'replaces = "syn-1"\n').prepayments) == 2


def test_one_that_begins_when_the_other_has_ended_needs_no_word(tmp_path: Path) -> None:
    later = PREPAYMENT.replace("syn-1", "syn-2").replace("2026-11-01", "2026-12-01")
    ended = PREPAYMENT + "valid_until = 2026-11-30\n"
    assert len(read(tmp_path, ended + later).prepayments) == 2
    assert "有效期重叠" in refusal(tmp_path, PREPAYMENT + "valid_until = 2026-12-01\n" + later)


def test_other_funds_and_other_regions_do_not_overlap(tmp_path: Path) -> None:
    other = PREPAYMENT.replace("syn-1", "syn-2").replace('"310000"', '"320500"')
    fund = PREPAYMENT.replace("syn-1", "syn-3").replace("pooled", "medical_aid")
    assert len(read(tmp_path, PREPAYMENT + other + fund).prepayments) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("1000.50", "1000.505"), "floor_yuan:应为金额"),
        (('"1000.50"', "1000.50"), "floor_yuan:金额请写作加引号的文本"),
        (('"1000.50"', "true"), "floor_yuan:金额请写作加引号的文本"),
        (("1000.50", "1,000.50"), "floor_yuan:应为金额"),
        (("1000.50", "-1"), "floor_yuan:不能小于 0"),
        (("330400", "330421"), "insured:没有统筹区 '330421'"),
        (("310000", "330400"), "visited:与 insured 相同"),
        (("pooled", "pool"), "fund:应为 pooled"),
        (("2026-11-01", '"2026-11-01"'), "valid_from:类型不符"),
        (("2026-11-01", "2026-11-01T00:00:00"), "valid_from:应为日期(不带时间)"),
        (('source = "synthetic"', 'source = " "'), "source:不能为空"),
        (('source = "synthetic"', ""), "source:缺少"),
        (("syn-1", "syn 1"), "id、source:编号为"),
        (("[[prepayment]]", "[[prepayments]]"), "不认识的表 prepayments"),
        (("[[prepayment]]", "[prepayment]"), "不认识的表 prepayment"),
        (("valid_from", "valid_until = 2026-10-31\nvalid_from"), "valid_until:早于 valid_from"),
        (("valid_from", "floor_fen = 5\nvalid_from"), "floor_fen:不认识的键"),
        (("valid_from", 'enforcement = "stop"\nvalid_from'), "enforcement:应为 warn、block"),
        (("valid_from", 'confidence = "sure"\nvalid_from'), "confidence:应为 solid"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_with_file_entry_and_key(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    text = refusal(tmp_path, PREPAYMENT.replace(*change))
    assert said in text
    assert "agreements.toml" in text
    assert "AGREEMENTS_INVALID" in text


def test_the_entry_is_numbered(tmp_path: Path) -> None:
    assert "[[prepayment]] 第 2 项 floor_yuan" in refusal(
        tmp_path, PREPAYMENT + PREPAYMENT.replace("1000.50", "x")
    )


def test_a_payment_of_nothing_is_refused(tmp_path: Path) -> None:
    assert "amount_yuan:应大于 0" in refusal(tmp_path, PAYMENT.replace("5000", "0"))


def test_an_id_stands_once(tmp_path: Path) -> None:
    assert "编号 syn-1 出现两次" in refusal(tmp_path, PREPAYMENT + PREPAYMENT)
    assert "编号 syn-pay-1 出现两次" in refusal(tmp_path, PAYMENT + PAYMENT)


def test_a_missing_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="AGREEMENTS_UNREADABLE"):
        load_agreements(tmp_path / "none.toml")


def test_the_example_can_be_read_and_says_that_it_is_synthetic() -> None:
    agreements = load_agreements(EXAMPLE)
    sources = [a.limit.source for a in agreements.prepayments]
    sources += [payment.source for payment in agreements.payments]
    assert sources
    assert all("SYNTHETIC" in source for source in sources)
