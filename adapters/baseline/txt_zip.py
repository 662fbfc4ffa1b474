"""文件: tables as the national interface exchanges them: a TXT inside a ZIP, nothing else.

UTF-8, columns separated by TAB, one record a line, `null` for an empty cell (general rules 1 and 2
of the interface). Whether the first line holds names is the caller's to know (`[[files]]`). Pure:
bytes in, cells out, streamed: no more than a line and a block are held besides the bytes given.
Whatever comes from outside is bounded: rows, bytes, the length of a line, the entries of the ZIP.
Not here: what a column means.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from adapters.baseline.errors import BrokenAnswer

EMPTY = "null"
MOST_ROWS = 200_000
MOST_BYTES = 64 * 1024 * 1024
"""Unpacked; a day of 100,000 settlements takes about 15 MB."""
MOST_LINE_BYTES = 8 * 1024
_BLOCK_BYTES = 64 * 1024
_STORED_BYTES = 64 * 1024
_ENTRY = b"PK\x01\x02"
_MOST_MARKS = 64
"""More than one, because packed bytes may hold the mark by chance."""
_BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED = 0x1
_NO_CELL = ("\t", "\r", "\n", "\0")
_UNREADABLE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    IndexError,
    OverflowError,
)
"""What zipfile raises for bytes that somebody made up."""


def pack(name: str, records: Iterable[Sequence[str]]) -> bytes:
    """A ZIP with one TXT `name`; "" becomes `null`. Raises ValueError for what no cell can hold.

    The same records give the same bytes; what is small is stored, so that its bytes do not hang on
    the compressor of a machine.
    """
    text = io.BytesIO()
    for record in records:
        text.write(("\t".join(_cell(value) for value in record) + "\n").encode("utf-8"))
    small = text.tell() <= _STORED_BYTES
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_STORED if small else zipfile.ZIP_DEFLATED
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(entry, text.getbuffer())
    return packed.getvalue()


def _cell(value: str) -> str:
    if value == EMPTY or any(mark in value for mark in _NO_CELL):
        raise ValueError("no cell of a TXT can hold this value")
    return value or EMPTY


def is_zip(data: bytes) -> bool:
    """Whether it begins like one; an answer that does not is a JSON envelope."""
    return data.startswith(_BEGINNINGS)


def rows(data: bytes, path: str) -> Iterator[tuple[int, list[str]]]:
    """(row number from 1, cells), `null` as "". Raises BrokenAnswer naming the row.

    The ZIP's checksum is verified at the end: nothing may be believed before the last row is out.
    """
    if data.count(_ENTRY) > _MOST_MARKS:
        # Counted before it is opened: a directory of many entries costs far more than its bytes.
        raise BrokenAnswer(path, "more than one file in the ZIP")
    try:
        with (
            zipfile.ZipFile(io.BytesIO(data)) as archive,
            archive.open(_only_entry(archive, path)) as stream,
        ):
            yield from _records(stream, path)
    except _UNREADABLE as cause:
        raise BrokenAnswer(path, f"not a ZIP that can be read ({type(cause).__name__})") from cause


def _only_entry(archive: zipfile.ZipFile, path: str) -> zipfile.ZipInfo:
    entries = archive.infolist()
    if len(entries) != 1:
        raise BrokenAnswer(path, f"{len(entries)} files in the ZIP instead of one")
    (entry,) = entries
    # Nothing is ever written under this name; one that points elsewhere is still no honest file.
    if not entry.filename or any(mark in entry.filename for mark in ("/", "\\", ":", "\0")):
        raise BrokenAnswer(path, "the name in the ZIP is a path")
    if entry.flag_bits & _ENCRYPTED:
        raise BrokenAnswer(path, "encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BrokenAnswer(path, "a compression that is not usual")
    if entry.file_size > MOST_BYTES:
        raise BrokenAnswer(path, f"more than {MOST_BYTES} bytes unpacked")
    return entry


def _records(stream: IO[bytes], path: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(_lines(stream, path), start=1):
        if number > MOST_ROWS:
            raise BrokenAnswer(path, f"more than {MOST_ROWS} rows")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as cause:
            raise BrokenAnswer(f"{path}[{number}]", "not UTF-8") from cause
        cells = text.removesuffix("\r").split("\t")
        yield number, ["" if cell.strip() in ("", EMPTY) else cell.strip() for cell in cells]


def _lines(stream: IO[bytes], path: str) -> Iterator[bytes]:
    """Without their ends; the last one may lack its end. A byte order mark is taken off."""
    rest, read, first = b"", 0, True
    while block := stream.read(_BLOCK_BYTES):
        read += len(block)
        if read > MOST_BYTES:
            raise BrokenAnswer(path, f"more than {MOST_BYTES} bytes unpacked")
        if first:
            block, first = block.removeprefix(b"\xef\xbb\xbf"), False
        *lines, rest = (rest + block).split(b"\n")
        for line in (*lines, rest):
            if len(line) > MOST_LINE_BYTES:
                raise BrokenAnswer(path, f"a line of more than {MOST_LINE_BYTES} bytes")
        yield from lines
    if rest:
        yield rest
