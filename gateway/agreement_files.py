"""协议文件: reads `agreements.toml` into the domain's values.

The only reader of that file. It refuses what it does not understand, with file, table and number:
an unknown key, an amount that is not exact, a region that is not served, two agreements about one
account that hold at once. A file says what two regions have agreed; nothing here knows whether
they did. What is recorded of it is gateway/store/agreements.py's.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from gateway.config import ConfigError
from gateway.domain.agreement import (
    Agreements,
    Payment,
    Prepayment,
    drawn_by,
    overlap,
    prepayment_account,
)
from gateway.domain.breakdown import Fund
from gateway.domain.business_day import SHANGHAI
from gateway.domain.policy_rules import Confidence
from gateway.domain.region import SERVED
from gateway.policy_files import PolicyFileError, Table
from ledger.journal import AMOUNT_MAX, JournalError
from ledger.limits import Enforcement, Limit
from ledger.money import MoneyError, yuan_to_fen
from ledger.reads import to_us

TABLES = ("prepayment", "payment")
E = TypeVar("E", bound=StrEnum)


def load_agreements(path: Path | None) -> Agreements:
    """Everything the file says; nothing without a file. Raises ConfigError naming file, entry and
    remedy."""
    if path is None:
        return Agreements()
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"{path} 无法读取({error.strerror}):请放回该文件,或从设置中去掉 agreements",
            reason="AGREEMENTS_UNREADABLE",
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{path} 不是 UTF-8 的 TOML 文件({error})", reason="AGREEMENTS_UNREADABLE"
        ) from error
    try:
        return _agreements(path.name, document)
    except PolicyFileError as error:
        raise ConfigError(str(error), reason="AGREEMENTS_INVALID") from error


def _agreements(name: str, document: dict[str, object]) -> Agreements:
    rows: dict[str, list[Table]] = {table: [] for table in TABLES}
    for key, values in document.items():
        if key not in rows or not isinstance(values, list):
            raise PolicyFileError(f"{name}:不认识的表 {key}(可用 [[prepayment]]、[[payment]])")
        for number, raw in enumerate(values, start=1):
            where = f"{name} [[{key}]] 第 {number} 项"
            if not isinstance(raw, dict):
                raise PolicyFileError(f"{where}:应为一个表")
            rows[key].append(Table(where, raw))
    agreements = Agreements(
        tuple(_prepayment(table) for table in rows["prepayment"]),
        tuple(_payment(table) for table in rows["payment"]),
    )
    for table in (*rows["prepayment"], *rows["payment"]):
        table.finish()
    _refuse_repeats(name, agreements)
    _refuse_overlaps(name, agreements)
    return agreements


def _prepayment(table: Table) -> Prepayment:
    insured, visited, fund = _parties(table)
    start, end = _day(table, "valid_from"), None
    if "valid_until" in table.raw:
        last = _day(table, "valid_until")
        if last < start:
            raise table.wrong("valid_until", "早于 valid_from")
        # The last day counts: the limit ends where the next one begins.
        end = _midnight(last + timedelta(days=1))
    try:
        limit = Limit(
            limit_id=_text(table, "id"),
            account=prepayment_account(insured, visited, fund),
            drawn_by=drawn_by(insured, visited, fund),
            floor_fen=_fen(table, "floor_yuan", least=0),
            enforcement=_word(table, "enforcement", Enforcement) or Enforcement.WARN,
            valid_from_us=_midnight(start),
            valid_until_us=end,
            source=_text(table, "source"),
        )
    except JournalError as error:
        raise table.wrong("id、source", _MALFORMED) from error
    replaces = _text(table, "replaces") if "replaces" in table.raw else ""
    return Prepayment(limit, replaces, _word(table, "confidence", Confidence))


def _payment(table: Table) -> Payment:
    insured, visited, fund = _parties(table)
    made = Payment(
        payment_id=_text(table, "id"),
        account=prepayment_account(insured, visited, fund),
        amount_fen=_fen(table, "amount_yuan", least=1),
        paid_on=_day(table, "paid_on"),
        source=_text(table, "source"),
    )
    try:
        made.entry()
    except JournalError as error:
        raise table.wrong("id", _MALFORMED) from error
    return made


_MALFORMED = "编号为 1 至 64 个字母、数字或 _.-,source 最多 400 字"


def _parties(table: Table) -> tuple[str, str, str]:
    insured, visited = _region(table, "insured"), _region(table, "visited")
    if insured == visited:
        raise table.wrong("visited", "与 insured 相同:预付金是一个统筹区付给另一个的")
    fund = table.required("fund", _word(table, "fund", Fund))
    return insured, visited, fund.value


def _region(table: Table, key: str) -> str:
    code = _text(table, key)
    if code not in SERVED:
        known = "、".join(f"{known} {name}" for known, name in SERVED.items())
        raise table.wrong(key, f"没有统筹区 {code!r}(可用 {known})")
    return code


def _fen(table: Table, key: str, *, least: int) -> int:
    """Yuan as a text or a whole number; a TOML float has been rounded before we could see it."""
    table.taken.add(key)
    given = table.raw.get(key)
    if isinstance(given, bool) or not isinstance(given, int | str):
        why = "缺少" if given is None else "金额请写作加引号的文本"
        raise table.wrong(key, f'{why},如 {key} = "1000000.00"(元)')
    try:
        fen = yuan_to_fen(str(given))
    except MoneyError as error:
        why = '应为金额(元),最多两位小数,不写千分位,如 "1000000.00"'
        raise table.wrong(key, why) from error
    if not least <= fen <= AMOUNT_MAX:
        raise table.wrong(key, "应大于 0" if least else "不能小于 0")
    return fen


def _text(table: Table, key: str) -> str:
    text = table.need(key, str)
    if not text.strip():
        raise table.wrong(key, "不能为空")
    return text


def _word(table: Table, key: str, words: type[E]) -> E | None:
    text = table.get(key, str)
    if text is not None and text not in {word.value for word in words}:
        raise table.wrong(key, f"应为 {'、'.join(word.value for word in words)} 之一")
    return None if text is None else words(text)


def _day(table: Table, key: str) -> date:
    day = table.need(key, date)
    if isinstance(day, datetime):
        raise table.wrong(key, "应为日期(不带时间),如 2026-12-01")
    return day


def _midnight(day: date) -> int:
    """The day's first moment in Asia/Shanghai, in microseconds since 1970 UTC."""
    return to_us(datetime.combine(day, time.min, SHANGHAI))


def _refuse_repeats(name: str, agreements: Agreements) -> None:
    for ids in (
        [agreement.limit.limit_id for agreement in agreements.prepayments],
        [payment.payment_id for payment in agreements.payments],
    ):
        for one in ids:
            if ids.count(one) > 1:
                raise PolicyFileError(f"{name}:编号 {one} 出现两次,每一项应有自己的编号")


def _refuse_overlaps(name: str, agreements: Agreements) -> None:
    limits = [agreement.limit for agreement in agreements.prepayments]
    replaces = {a.limit.limit_id: a.replaces for a in agreements.prepayments}
    found = overlap(limits, replaces, set(replaces))
    if found is not None:
        one, later = (limit.limit_id for limit in found)
        raise PolicyFileError(
            f"{name}:{one} 与 {later} 是同一账户同一基金,有效期重叠。若后者自其起始日接替前者,"
            f'请在 {later} 中写明 replaces = "{one}",且起始日晚于前者;否则请改正日期'
        )
