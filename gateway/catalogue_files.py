"""目录文件: reads gateway/policies/catalogue_*.csv into the domain's values.

The only reader of those files. It refuses an unknown column, an unreadable number and two rows of
one code that are valid on the same day, each with file and row. The items that ship are synthetic.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from itertools import combinations
from pathlib import Path

from gateway.domain.catalogue import Catalogue, CatalogueBook, CatalogueItem, ItemClass
from gateway.policy_files import POLICY_DIR, PolicyFileError

COLUMNS = (
    "item_code", "name_zh", "class", "self_pay_ratio", "price_limit", "restricted", "valid_from",
    "valid_until", "source",
)  # fmt: skip
FILES = {
    "310000": "catalogue_shanghai.csv",
    "320500": "catalogue_suzhou.csv",
    "330400": "catalogue_jiaxing.csv",
}
"""统筹区 of the visited side → file name."""

_RATIO = re.compile(r"(0(\.[0-9]{1,4})?|1(\.0{1,4})?)", re.ASCII)
_PRICE = re.compile(r"[0-9]{1,10}(\.[0-9]{1,6})?", re.ASCII)


def load_catalogues(directory: Path = POLICY_DIR) -> CatalogueBook:
    """All catalogues. Raises PolicyFileError."""
    return CatalogueBook(read_catalogue(directory / name, region) for region, name in FILES.items())


def read_catalogue(path: Path, region: str) -> Catalogue:
    """One region's file. Raises PolicyFileError."""
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyFileError(f"{path.name}:不能读取({error})") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise PolicyFileError(f"{path.name}:表头应为 {','.join(COLUMNS)}")
    items = []
    for row in reader:
        where = f"{path.name} 第 {reader.line_num} 行"
        if None in row or None in row.values():
            raise PolicyFileError(f"{where}:列数不符")
        items.append(_item(row, where))
    _refuse_overlaps(items, path.name)
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Catalogue(region, f"catalogue-{region}-{digest}", tuple(items))


def _item(row: dict[str, str], where: str) -> CatalogueItem:
    ratio, limit = row["self_pay_ratio"], row["price_limit"]
    if not _RATIO.fullmatch(ratio):
        raise PolicyFileError(f"{where} self_pay_ratio:应为 0 到 1,最多四位小数")
    if limit and not _PRICE.fullmatch(limit):
        raise PolicyFileError(f"{where} price_limit:应为元,最多六位小数")
    if row["restricted"] not in ("0", "1") or row["class"] not in ("a", "b", "c"):
        raise PolicyFileError(f"{where}:class 应为 a、b、c,restricted 应为 0、1")
    if not row["item_code"] or not row["name_zh"] or not row["source"]:
        raise PolicyFileError(f"{where}:item_code、name_zh、source 不能为空")
    try:
        start = date.fromisoformat(row["valid_from"])
        end = date.fromisoformat(row["valid_until"]) if row["valid_until"] else None
    except ValueError as error:
        raise PolicyFileError(f"{where}:日期应为 YYYY-MM-DD") from error
    return CatalogueItem(
        row["item_code"], row["name_zh"], ItemClass(row["class"]), Decimal(ratio),
        Decimal(limit) if limit else None, row["restricted"] == "1", start, end, row["source"],
    )  # fmt: skip


def _refuse_overlaps(items: list[CatalogueItem], name: str) -> None:
    by_code: defaultdict[str, list[CatalogueItem]] = defaultdict(list)
    for item in items:
        by_code[item.code].append(item)
    for code, rows in by_code.items():
        for one, other in combinations(rows, 2):
            begin = max(one.valid_from, other.valid_from)
            if one.is_valid_on(begin) and other.is_valid_on(begin):
                raise PolicyFileError(f"{name}:{code} 有两行在 {begin} 同时有效")
