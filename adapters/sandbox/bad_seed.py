"""初始数据有误: what is wrong with a seed file, in which line, and what to do."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import InvalidOperation
from pathlib import Path


class BadSeed(ValueError):
    """A seed file names somebody who could be real, or does not follow the format."""


@contextmanager
def line_of(path: Path, line: int) -> Iterator[None]:
    """What a row's reader raises, said with the place."""
    try:
        yield
    except BadSeed:
        raise
    except KeyError as error:
        raise BadSeed(f"{path}:{line}: 缺少 {error.args[0]}。") from error
    except (ValueError, TypeError, InvalidOperation) as error:
        raise BadSeed(f"{path}:{line}: 这一行的值无法使用({error})。") from error


def rows_of_csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row) of a UTF-8 file with a header line. Raises BadSeed."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.DictReader(source)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise BadSeed(
                    f"{path}:1: 表头缺少列 {'、'.join(missing)}。应为:{','.join(columns)}"
                )
            for row in reader:
                if None in row or None in row.values():
                    width = len(reader.fieldnames or ())
                    raise BadSeed(f"{path}:{reader.line_num}: 列数不对,应为 {width} 列。")
                yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadSeed(f"{path}: 不是 UTF-8 的 CSV 文件({error})。") from error
