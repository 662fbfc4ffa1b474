"""日志密钥: the key with which the log is signed, its dates, and the file in which it lies.

The first line of the file is the key (PRIVATE+KEY+origin+…); what follows is TOML and says since
when and until when it may sign (days of Shanghai, both included), and who decided so:

    valid_from = 2026-11-25
    valid_until = 2028-11-24
    source = "密钥管理制度 第12条"
    reason = "定期更换"

A restarted log has a new key beside the old one, `log-signing.<key id>`; which one is in force says
the database's history (ledger/history.py), never the name of a file. For demo, test and
development, as all key files.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gateway.store.errors import StoreRefused
from ledger.checkpoint import NoteSigner
from ledger.note import KeyMalformed
from ledger.policy import ALWAYS, KeyDates

LOG_FILE = "log-signing"
FILE_MAX = 4096
"""Most bytes of a key file."""
_FIELDS = {"valid_from", "valid_until", "source", "reason"}


@dataclass(frozen=True, slots=True, repr=False)
class LogKey:
    """One signing key of the log. No repr: it is P5."""

    signer: NoteSigner
    dates: KeyDates = ALWAYS
    source: str = ""
    """The document by which it has these dates."""
    reason: str = ""
    """Why there is this key."""

    def to_text(self) -> str:
        """The file."""
        first, last = self.dates.days()
        days = {"valid_from": first, "valid_until": last}
        lines = [f"{name} = {day}" for name, day in days.items() if day != "-"]
        words = {"source": self.source, "reason": self.reason}
        lines += [f"{name} = {_quoted(text)}" for name, text in words.items() if text]
        return "".join(f"{line}\n" for line in [self.signer.skey, *lines])

    @classmethod
    def from_text(cls, text: str) -> LogKey:
        """Raises ValueError; the text of the error never quotes the key."""
        skey, _, rest = text.partition("\n")
        try:
            signer = NoteSigner.from_skey(skey)
            told = tomllib.loads(rest)
        except tomllib.TOMLDecodeError:
            raise ValueError("第一行之后不是 TOML") from None
        except KeyMalformed:
            raise ValueError("第一行不是签名密钥") from None
        unknown = sorted(told.keys() - _FIELDS)
        if unknown:
            raise ValueError(f"不认识的字段 {'、'.join(unknown)}")
        dates = KeyDates.of_days(_day(told, "valid_from"), _day(told, "valid_until"))
        return cls(signer, dates, _word(told, "source"), _word(told, "reason"))


def load_log_key(directory: Path, *, origin: str) -> LogKey:
    """The key of this origin. Raises StoreRefused if it is missing, open to others or damaged."""
    others, damaged = [], None
    for path in _files(directory):
        try:
            key = _read(path)
        except StoreRefused as error:
            damaged = damaged or error  # an old key that is gone must not stop the present one
            continue
        if key.signer.name == origin:
            return key
        others.append(key.signer.name)
    if damaged is not None:
        raise damaged
    raise StoreRefused(
        "LOG_ORIGIN_DIFFERS",
        f"密钥目录 {directory} 中没有日志 {origin} 的签名密钥(有:{'、'.join(others)})。"
        f"若日志在别处重启过,请把新的 {LOG_FILE}.* 文件也复制过来。",
    )


def known_log_keys(directory: Path) -> tuple[LogKey, ...]:
    """Every key of the log that lies here, old ones too. Raises StoreRefused."""
    return tuple(_read(path) for path in _files(directory))


def write_log_key(directory: Path, key: LogKey) -> Path:
    """A further key beside those that are there (0600, fsynced); never over another."""
    path = directory / f"{LOG_FILE}.{key.signer.verifier.key_id.hex()}"
    write_private(path, key.to_text())
    return path


def write_private(path: Path, text: str) -> None:
    """A new file that only we may read, on the disk when this returns. Raises FileExistsError."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def read_private(path: Path) -> str:
    """A key file's text. Raises StoreRefused if it is missing or others may read it."""
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(FILE_MAX).strip()
    except UnicodeDecodeError as error:
        raise StoreRefused("KEY_MALFORMED", f"密钥文件 {path} 已损坏。") from error
    except OSError as error:
        raise StoreRefused(
            "KEY_MISSING", f"密钥文件 {path} 无法读取({error.strerror})。"
        ) from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise StoreRefused(
            "KEY_READABLE_BY_OTHERS", f"密钥文件 {path} 可被其他用户读取:请执行 chmod 600。"
        )
    return text


def _files(directory: Path) -> Iterator[Path]:
    """The first log's key, unless it was destroyed after a restart, and its successors'."""
    successors = sorted(directory.glob(f"{LOG_FILE}.*"))
    first = directory / LOG_FILE
    if first.exists() or not successors:
        yield first
    yield from successors


def _read(path: Path) -> LogKey:
    try:
        return LogKey.from_text(read_private(path))
    except ValueError as error:
        raise StoreRefused("KEY_MALFORMED", f"密钥文件 {path} 已损坏:{error}。") from error


def _day(told: dict[str, object], name: str) -> date | None:
    value = told.get(name)
    # A datetime is a date too, and would say more than we keep.
    if value is None or type(value) is date:
        return value
    raise ValueError(f"{name} 应为日期,例如 2027-12-31")


def _word(told: dict[str, object], name: str) -> str:
    value = told.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name} 应为文字")
    return value


def _quoted(text: str) -> str:
    """A TOML basic string."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c >= " " and c != "\x7f" else f"\\u{ord(c):04x}" for c in plain) + '"'
