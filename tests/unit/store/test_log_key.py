"""Key files of the log: dates that travel with the key, successors beside the old, bad files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.ids import SystemIds
from gateway.store.errors import StoreRefused
from gateway.store.keyring import create_keys
from gateway.store.log_key import (
    LOG_FILE,
    LogKey,
    known_log_keys,
    load_log_key,
    write_log_key,
)
from ledger.checkpoint import NoteSigner
from ledger.policy import ALWAYS, KeyDates

ORIGIN, NEXT = "yrd.example/test-log", "yrd.example/test-log-2"


def log_key(origin: str = NEXT) -> LogKey:
    return LogKey(
        NoteSigner.from_seed(origin, SystemIds().salt()),
        KeyDates.of_days(date(2026, 11, 25), date(2028, 11, 24)),
        source='密钥管理制度 "第12条"\\',
        reason="定期更换\n第二次",
    )


def test_dates_source_and_reason_travel_with_the_key(tmp_path: Path) -> None:
    key = log_key()
    path = write_log_key(tmp_path, key)
    assert path.stat().st_mode & 0o777 == 0o600
    read = load_log_key(tmp_path, origin=NEXT)
    assert read.signer.vkey == key.signer.vkey
    assert (read.dates, read.source, read.reason) == (key.dates, key.source, key.reason)
    assert key.signer.skey not in repr(key)


def test_a_key_of_before_dates_has_none(tmp_path: Path) -> None:
    create_keys(tmp_path, origin=ORIGIN, salt=SystemIds().salt)
    assert load_log_key(tmp_path, origin=ORIGIN).dates == ALWAYS


def test_old_and_new_keys_lie_beside_each_other_and_the_old_may_be_destroyed(
    tmp_path: Path,
) -> None:
    create_keys(tmp_path, origin=ORIGIN, salt=SystemIds().salt)
    write_log_key(tmp_path, log_key())
    assert [key.signer.name for key in known_log_keys(tmp_path)] == [ORIGIN, NEXT]
    (tmp_path / LOG_FILE).write_text("burnt\n", encoding="ascii")
    assert load_log_key(tmp_path, origin=NEXT).signer.name == NEXT
    (tmp_path / LOG_FILE).unlink()
    assert load_log_key(tmp_path, origin=NEXT).signer.name == NEXT
    with pytest.raises(StoreRefused) as refused:
        load_log_key(tmp_path, origin=ORIGIN)
    assert refused.value.reason == "LOG_ORIGIN_DIFFERS" and NEXT in str(refused.value)


def test_a_key_is_never_written_over_another(tmp_path: Path) -> None:
    key = log_key()
    write_log_key(tmp_path, key)
    with pytest.raises(FileExistsError):
        write_log_key(tmp_path, key)


@pytest.mark.parametrize(
    "rest",
    [
        "valid_from 2026-11-25",
        'valid_from = "2026-11-25"',
        "valid_from = 2026-11-25T00:00:00Z",
        "valid_from = 2026-11-25\nvalid_until = 2026-11-24",
        "valid_til = 2026-11-25",
        "source = 7",
    ],
)
def test_dates_that_cannot_be_read_are_no_open_end(tmp_path: Path, rest: str) -> None:
    path = write_log_key(tmp_path, log_key())
    skey = path.read_text(encoding="utf-8").splitlines()[0]
    path.write_text(f"{skey}\n{rest}\n", encoding="utf-8")
    with pytest.raises(StoreRefused) as refused:
        load_log_key(tmp_path, origin=NEXT)
    assert refused.value.reason == "KEY_MALFORMED"
    assert skey not in str(refused.value)
