"""Derived keys and indexes against known answers (security.md §4), and what key files refuse."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.ids import SystemIds
from gateway.store.errors import StoreRefused
from gateway.store.keyring import (
    Keyring,
    blind_index,
    create_keys,
    derive_key,
    load_keyring,
)
from gateway.store.log_key import load_log_key

COUNTED = bytes(range(32))
ORIGIN = "yrd.example/test-log"


def ring(**changes: bytes) -> Keyring:
    """A keyring of known keys."""
    masters = {"kek": b"k" * 32, "index": b"i" * 32, "subject": b"s" * 32, "request": b"r" * 32}
    return Keyring.of_masters(**(masters | changes))


def test_the_blind_index_gives_the_published_value() -> None:
    index = blind_index(COUNTED, b"cn.id.v1", b"003118195203158882")
    assert index.hex() == "ca2fd6dca0faa596bbac3c7506bda94b"


def test_the_derivation_gives_the_published_key() -> None:
    key = derive_key(COUNTED, "blind-index/v1|medical|cn.id|epoch=1")
    assert key.hex() == "c4d1e1a7126a2564f683460923436710e2292df9a9a16ee3b55f2067e332cac1"


def test_the_keyring_indexes_with_the_derived_key_of_its_purpose() -> None:
    number = "003118195203158882"
    key = derive_key(COUNTED, "blind-index/v1|medical|cn.id|epoch=1")
    expected = blind_index(key, b"cn.id.v1", number.encode())
    assert ring(index=COUNTED).id_index(number) == expected


def test_a_batch_is_told_from_another_that_reads_the_same_when_joined() -> None:
    keys = ring()
    assert keys.batch_index("H00310000001", "12", "3") != keys.batch_index(
        "H00310000001", "1", "23"
    )


def test_a_subject_reference_is_short_lower_case_and_made_from_the_uid_alone() -> None:
    reference = ring().subject_ref(b"u" * 16)
    assert re.fullmatch(r"s_[a-z2-7]{26}", reference)
    assert reference == ring(index=b"x" * 32, kek=b"y" * 32).subject_ref(b"u" * 16)
    assert reference != ring(subject=b"x" * 32).subject_ref(b"u" * 16)


def test_a_request_hash_needs_the_key() -> None:
    assert ring().request_hash(b"{}") == ring().request_hash(b"{}")
    assert ring().request_hash(b"{}") != ring(request=b"x" * 32).request_hash(b"{}")
    assert len(ring().request_hash(b"{}")) == 64


def test_a_keyring_shows_nothing_of_itself() -> None:
    assert (b"k" * 8).hex() not in repr(ring()) and "kkkk" not in repr(ring())


def test_made_keys_are_private_and_load_again(tmp_path: Path) -> None:
    vkey = create_keys(tmp_path / "keys", origin=ORIGIN, salt=SystemIds().salt)
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert all(f.stat().st_mode & 0o777 == 0o600 for f in (tmp_path / "keys").iterdir())
    first = load_keyring(tmp_path / "keys", production=False)
    assert first.kek_id == load_keyring(tmp_path / "keys", production=False).kek_id
    assert load_log_key(tmp_path / "keys", origin=ORIGIN).signer.vkey == vkey


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    create_keys(tmp_path, origin=ORIGIN, salt=SystemIds().salt)
    before = (tmp_path / "kek").read_text(encoding="ascii")
    with pytest.raises(StoreRefused) as refused:
        create_keys(tmp_path, origin=ORIGIN, salt=SystemIds().salt)
    assert refused.value.reason == "KEYS_EXIST"
    assert (tmp_path / "kek").read_text(encoding="ascii") == before


def cut_short(path: Path) -> None:
    """Half a key is no key."""
    path.write_text(path.read_text(encoding="ascii")[:32], encoding="ascii")


def not_hexadecimal(path: Path) -> None:
    path.write_text("z" * 64, encoding="ascii")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.chmod(0o640), "KEY_READABLE_BY_OTHERS"),
        (lambda path: path.chmod(0o604), "KEY_READABLE_BY_OTHERS"),
        (lambda path: path.unlink(), "KEY_MISSING"),
        (cut_short, "KEY_MALFORMED"),
        (not_hexadecimal, "KEY_MALFORMED"),
    ],
)
@pytest.mark.parametrize("name", ["kek", "index", "subject", "request-hash"])
def test_a_key_file_that_is_open_missing_or_damaged_is_refused(
    tmp_path: Path, spoil: Callable[[Path], None], reason: str, name: str
) -> None:
    create_keys(tmp_path, origin=ORIGIN, salt=SystemIds().salt)
    spoil(tmp_path / name)
    with pytest.raises(StoreRefused) as refused:
        load_keyring(tmp_path, production=False)
    assert refused.value.reason == reason
    assert str(tmp_path / name) in str(refused.value)


def test_production_refuses_a_file_key(tmp_path: Path) -> None:
    create_keys(tmp_path, origin=ORIGIN, salt=SystemIds().salt)
    with pytest.raises(StoreRefused) as refused:
        load_keyring(tmp_path, production=True)
    assert refused.value.reason == "FILE_KEK_IN_PRODUCTION"


def test_a_signing_key_of_another_log_is_refused(tmp_path: Path) -> None:
    create_keys(tmp_path, origin=ORIGIN, salt=SystemIds().salt)
    with pytest.raises(StoreRefused) as refused:
        load_log_key(tmp_path, origin="yrd.example/other-log")
    assert refused.value.reason == "LOG_ORIGIN_DIFFERS"
