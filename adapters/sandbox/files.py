"""对账文件: the TXT in a ZIP that 9101 brings and 9102 fetches, as the platform packs and reads it.

UTF-8, TAB between columns, one record a line, `null` for an empty cell (general rules of the
published interfaces; no line of names is OUR ASSUMPTION). Its own code, shared with no client.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Sequence

from adapters.sandbox.context import Refusal

_NULL = "null"
_BYTES_MAX = 64 * 1024 * 1024
_ROWS_MAX = 200_000
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


def pack(name: str, rows: Iterable[Sequence[str]]) -> bytes:
    """One TXT of that name; an empty cell becomes `null`."""
    lines = ("\t".join(cell or _NULL for cell in row) + "\n" for row in rows)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)),
            "".join(lines).encode(),
            zipfile.ZIP_DEFLATED,
        )
    return target.getvalue()


def unpack(data: bytes, columns: int) -> list[list[str]]:
    """Raises Refusal where it is no such file; the first wrong row is named."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) != 1 or entries[0].file_size > _BYTES_MAX:
                raise Refusal("上传文件应为只含一个 TXT 的 ZIP,且不超过 64 MB")
            text = archive.read(entries[0]).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refusal("上传文件不是 UTF-8 编码") from error
    except _UNREADABLE as error:
        raise Refusal("上传文件不是可读取的 ZIP") from error
    lines = text.removesuffix("\n").split("\n") if text else []
    if len(lines) > _ROWS_MAX:
        raise Refusal(f"上传文件超过 {_ROWS_MAX} 行")
    rows = [
        ["" if cell == _NULL else cell for cell in line.rstrip("\r").split("\t")] for line in lines
    ]
    for number, row in enumerate(rows, start=1):
        if len(row) != columns:
            raise Refusal(f"上传文件第 {number} 行应有 {columns} 列")
    return rows
