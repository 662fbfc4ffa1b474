"""不能执行: what keeps a command from being carried out, as a sentence and a reason code.

For whoever stands in front of a terminal: what is wrong, where, what to do. What is not known here
is a defect of ours, and keeps its traceback.
"""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

from adapters.sm.keys import KeyUnusable
from adapters.sm.selection import SmUnavailable
from gateway.config import ConfigError
from gateway.domain.errors import DomainError, InvariantViolated
from gateway.policy_files import PolicyFileError
from gateway.store.engine import sqlite_driver
from gateway.store.errors import StoreRefused
from ledger.note import KeyMalformed, NoteInvalid
from ledger.outcomes import LedgerError

RESTORE = "请停止使用这份数据:保留现场,用 ./yrd restore 从备份恢复,并用最新的检查点核对。"
VERIFY = "请停止写入,用 ./yrd verify 查明是哪一处;需要时用 ./yrd restore 从备份恢复。"

SQLITE = (
    (("malformed", "file is not a database", "file is encrypted"), "DATABASE_DAMAGED",
     f"数据库文件已损坏,或不是数据库。{RESTORE}"),
    (("no such table", "no such column"), "DATABASE_DAMAGED",
     f"数据库中缺少应有的表或列。{VERIFY}"),
    (("database or disk is full",), "DISK_FULL",
     "磁盘已满:请腾出空间后再试,已确认的记录不受影响。"),
    (("locked", "busy"), "DATABASE_BUSY", "数据库正被另一进程占用,请稍后再试。"),
    (("unable to open", "readonly", "disk i/o"), "DATABASE_UNREADABLE",
     "数据库文件无法读写:请检查磁盘、目录权限与剩余空间。"),
)  # fmt: skip
"""What SQLite's words mean: (any of these in its text, reason, what to say)."""


def explain(error: BaseException) -> str | None:
    """What to tell an administrator; None for what nobody foresaw."""
    # Of each family the driver's own words come first: they know most.
    for found in _chain(error):
        if isinstance(found, DBAPIError):
            return _database(found.orig)
        if isinstance(found, sqlite3.Error | sqlite_driver().Error):
            return _database(found)
    if isinstance(error, ConfigError | StoreRefused):
        return str(error)
    if isinstance(error, SmUnavailable):
        return str(error)
    if isinstance(error, KeyUnusable):
        return f"国密密钥不能使用:{error} [KEY_MALFORMED]"
    if isinstance(error, PolicyFileError):
        return f"{error} [POLICY_FILE_INVALID]"
    if isinstance(error, KeyMalformed):
        return f"日志公钥或密钥无法识别({error}):请核对 DIR/vkey 与 keys_dir。 [KEY_MALFORMED]"
    if isinstance(error, NoteInvalid | LedgerError | InvariantViolated):
        return f"数据库的内容前后不符({error})。{VERIFY} [DATABASE_DAMAGED]"
    if isinstance(error, DomainError):
        return f"{error.zh} [{error.code}]"
    if isinstance(error, OSError) and error.filename is not None:
        reason = error.strerror or type(error).__name__
        return f"{error.filename} 无法读写({reason})。 [FILE_UNUSABLE]"
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what caused it, outermost first."""
    found: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in found:
        found.append(at)
        at = at.__cause__
    return found


def _database(error: BaseException | None) -> str:
    # Of the driver's text only its first line: what follows may quote a statement.
    said = str(error).partition("\n")[0]
    for words, reason, text_zh in SQLITE:
        if any(word in said.lower() for word in words):
            return f"{text_zh}({said}) [{reason}]"
    return (
        f"数据库拒绝了操作({said})。请检查数据库是否运行、账号权限是否足够。 [DATABASE_UNAVAILABLE]"
    )
