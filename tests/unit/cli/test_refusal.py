"""不能执行: what stands in a command's way is told in words with a reason, and a defect is not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError

from gateway.commands.refusal import explain
from gateway.config import ConfigError
from gateway.domain.errors import InvariantViolated, Overloaded, StorageUnavailable
from gateway.policy_files import PolicyFileError
from gateway.store.errors import StoreRefused
from ledger.note import KeyMalformed, NoteInvalid


def said_by_sqlite(text: str) -> DatabaseError:
    return DatabaseError("SELECT secret", {}, sqlite3.DatabaseError(text))


@pytest.mark.parametrize(("said", "reason"), [
    ("database disk image is malformed", "DATABASE_DAMAGED"),
    ("file is not a database", "DATABASE_DAMAGED"),
    ("no such table: ledger_head", "DATABASE_DAMAGED"),
    ("database or disk is full", "DISK_FULL"),
    ("database is locked", "DATABASE_BUSY"),
    ("unable to open database file", "DATABASE_UNREADABLE"),
    ("attempt to write a readonly database", "DATABASE_UNREADABLE"),
    ("connection refused", "DATABASE_UNAVAILABLE"),
])  # fmt: skip
def test_what_a_database_says_becomes_a_reason_and_what_to_do(said: str, reason: str) -> None:
    for error in (said_by_sqlite(said), sqlite3.DatabaseError(said)):
        text = explain(error)
        assert text is not None and text.endswith(f"[{reason}]")
        assert said in text and "SELECT" not in text


def test_the_databases_own_words_are_found_behind_ours() -> None:
    ours = StorageUnavailable("the database refused a statement")
    ours.__cause__ = said_by_sqlite("database or disk is full")
    assert "[DISK_FULL]" in (explain(ours) or "")


@pytest.mark.parametrize(("error", "reason"), [
    (ConfigError("缺少 [tls]", reason="TLS_UNFIT"), "TLS_UNFIT"),
    (StoreRefused("KEYS_DIFFER", "密钥不匹配。"), "KEYS_DIFFER"),
    (PolicyFileError("shanghai.toml:缺少 [policy]"), "POLICY_FILE_INVALID"),
    (KeyMalformed("no key"), "KEY_MALFORMED"),
    (NoteInvalid("no note"), "DATABASE_DAMAGED"),
    (InvariantViolated("a stored value does not open"), "DATABASE_DAMAGED"),
    (Overloaded(), "OVERLOADED"),
    (FileNotFoundError(2, "No such file or directory", "/nowhere/key"), "FILE_UNUSABLE"),
])  # fmt: skip
def test_every_refusal_ends_with_its_reason_code(error: Exception, reason: str) -> None:
    assert (explain(error) or "").endswith(f"[{reason}]")


def test_a_defect_of_ours_is_not_dressed_up(tmp_path: Path) -> None:
    assert explain(KeyError("claim")) is None
    assert explain(OSError("no file at all")) is None
