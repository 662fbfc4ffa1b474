"""A log that is signed by SM2 too: the settings, the gateway that signs, and whoever checks it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import structlog

from adapters.sm.keys import Sm2PrivateKey
from adapters.sm.provider import SmProvider, SmProviderBroken
from adapters.sm.pure import Pure
from adapters.sm.selection import select_sm2
from gateway.clock import SystemClock
from gateway.config import ConfigError, load_settings
from gateway.demo.layout import create_data_dir
from gateway.demo.stranger import Mirror
from gateway.ids import SystemIds
from gateway.journeys.laps import unobserved
from gateway.owner import Owner
from gateway.participants import load_institutions
from gateway.sm2_log import load_sm2_log_key, tell_sm2
from gateway.store.errors import StoreRefused
from gateway.store.migrate import migrate_database
from gateway.telemetry import ALLOWED_FIELDS
from ledger.note import signature_line, split_note
from ledger.receipt import make_receipt
from ledger.sm2_note import Sm2NoteVerifier, sm2_signed
from tests.integration.house.command import yrd
from tests.integration.witness.strangers import check_by_tlog_scales
from tests.unit.adapters.sm.keys import made_key

PRIVATE = made_key(20261125)


@pytest.fixture
def signed_by_sm2(tmp_path: Path) -> Path:
    """A data directory with an agreement, whose log has an SM2 key; nothing has run yet."""
    data = tmp_path / "data"
    place = create_data_dir(data, now=SystemClock().now(), random=SystemIds().salt, agreements=True)
    migrate_database(data / "yrd.db")
    key = data / "keys" / "log-sm2.pem"
    key.touch(mode=0o600)
    key.write_bytes(PRIVATE.pem)
    text = place.settings.read_text(encoding="utf-8")
    text = text.replace("\nlisten =", '\nlog_sm2_key = "keys/log-sm2.pem"\nlisten =', 1)
    # No witness is running: what is signed is published.
    place.settings.write_text(text.replace("quorum = 2", "quorum = 0"), encoding="utf-8")
    return data


def owner(data: Path) -> Owner:
    settings = load_settings(data / "yrd.toml")
    return Owner(
        settings,
        institutions=load_institutions(settings.participants),
        clock=SystemClock(),
        logger=structlog.get_logger("test"),
        observe=unobserved,
    )


def sm2_key(data: Path) -> Sm2NoteVerifier:
    """The public key as check-config tells it."""
    code, said = yrd("check-config", "--data", data, "--json")
    assert code == 0, said
    told = {row["what"]: row["text_zh"] for row in json.loads(said)["checks"]}
    assert "自检通过" in told["国密"]
    return Sm2NoteVerifier.from_vkey(told["日志的国密签名"].splitlines()[-1])


async def run_once(data: Path) -> tuple[str, bytes]:
    """A gateway that records its agreement and signs: (its newest checkpoint, a receipt)."""
    house = owner(data)
    _, log = house.open(None)
    try:
        await log.publish()
        newest = await log.checkpoint()
        assert newest is not None
        [leaf] = await log.leaves(0, 1)
        receipt = make_receipt(
            leaf=leaf,
            index=0,
            proof=await log.inclusion_proof(0, newest.tree_size),
            checkpoint=newest.note,
        )
    finally:
        await house.stop()
    return newest.note, receipt.to_bytes()


async def test_a_gateway_with_an_sm2_key_signs_twice_and_both_are_checked(
    signed_by_sm2: Path,
) -> None:
    data = signed_by_sm2
    note, receipt = await run_once(data)
    key = sm2_key(data)
    assert sm2_signed(note, key) and len(split_note(note)[1]) == 2
    assert (data / "checkpoint.txt").read_text(encoding="utf-8") == note
    (data / "sm2-vkey").write_text(key.vkey + "\n", encoding="ascii")
    vkey = (data / "vkey").read_text(encoding="ascii").strip()
    # Programs that are not ours pass over the line.
    assert check_by_tlog_scales(data / "log", vkey, entries=data / "log-entries") == 2
    Mirror(data / "log", data / "log-entries", vkey).check()

    code, said = yrd("verify", "--data", data, "--json")
    assert code == 0, said
    assert json.loads(said)["by_kind"]["ledger.sm2_signatures"] == 1

    file = data / "r.json"
    file.write_bytes(receipt)
    code, said = yrd("verify-receipt", file, "--data", data, "--sm2-key", data / "sm2-vkey")
    assert code == 0 and "国密:日志的 SM2 密钥也已签名" in said
    stranger = Sm2NoteVerifier(key.name, made_key(5).public.point).vkey
    code, said = yrd("verify-receipt", file, "--data", data, "--sm2-key", stranger, "--json")
    assert code == 1 and json.loads(said)[0]["step"] == "SM2"
    code, said = yrd("verify-receipt", file, "--data", data, "--sm2-key", "no-such-file")
    assert code == 2 and "国密公钥" in said


async def test_a_line_that_was_changed_is_found_in_the_database_and_outside(
    signed_by_sm2: Path,
) -> None:
    data = signed_by_sm2
    note, _ = await run_once(data)
    wrong = Sm2NoteVerifier(sm2_key(data).name, PRIVATE.public.point)
    [_, (name, key_id, signature)] = split_note(note)[1]
    assert (name, key_id) == (wrong.name, wrong.key_id)
    lines = note.splitlines(keepends=True)
    lines[-1] = signature_line(name, key_id, signature[:-1] + bytes([signature[-1] ^ 1]))
    (data / "checkpoint.txt").write_text("".join(lines), encoding="utf-8")
    code, said = yrd("verify", "--data", data)
    assert code == 0, said  # whoever does not know the key passes over its line
    code, said = yrd("verify", "--data", data, "--sm2-key", wrong.vkey)
    assert code == 1 and "OUTSIDE_CHECKPOINT_INVALID" in said
    assert yrd("verify", "--data", data, "--sm2-key", "nonsense+00000000+AAAA")[0] == 2


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        (b"", "KEY_MALFORMED"),
        (Sm2PrivateKey(made_key(6).public, PRIVATE.secret).pem, "不成对"),
        (PRIVATE.public.pem, "KEY_MALFORMED"),
    ],
)
def test_a_key_file_that_is_none_stops_the_start(
    signed_by_sm2: Path, pem: bytes, says: str
) -> None:
    (signed_by_sm2 / "keys" / "log-sm2.pem").write_bytes(pem)
    with pytest.raises(ConfigError, match=says) as caught:
        owner(signed_by_sm2)
    assert "log-sm2.pem" in str(caught.value) and PRIVATE.secret.hex() not in str(caught.value)


def test_without_an_sm2_that_signs_nothing_starts_and_nothing_else_signs_instead(
    signed_by_sm2: Path,
) -> None:
    only_verifies = select_sm2([("pure", Pure)])
    with pytest.raises(ConfigError, match="不会改用其他算法") as caught:
        load_sm2_log_key(signed_by_sm2 / "keys" / "log-sm2.pem", only_verifies)
    assert caught.value.reason == "SM2_UNAVAILABLE"
    assert "日志的国密签名(log_sm2_key) 要求国密 SM2 签名" in str(caught.value)


async def test_a_log_that_goes_on_under_another_key_is_signed_by_sm2_from_the_first(
    signed_by_sm2: Path,
) -> None:
    data = signed_by_sm2
    await run_once(data)
    old = sm2_key(data)
    code, said = yrd("log", "restart", "--data", data, "--reason", "换钥", "--force")
    assert code == 0, said
    note = (data / "checkpoint.txt").read_text(encoding="utf-8")
    new = Sm2NoteVerifier(split_note(note)[1][0][0], old.public_key)
    assert new.name != old.name
    assert sm2_signed(note, new) and not sm2_signed(note, old)
    told = yrd("check-config", "--data", data)[1].splitlines()
    assert old.vkey in told and new.vkey in told  # each whole, on a line of its own
    code, said = yrd(
        "verify", "--data", data, "--sm2-key", old.vkey, "--sm2-key", new.vkey, "--json"
    )
    assert code == 0, said
    assert json.loads(said)["by_kind"]["ledger.sm2_signatures"] == 2


class Lines:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, dict[str, Any]]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.said.append(("info", event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        self.said.append(("warning", event, fields))

    def error(self, event: str, **fields: Any) -> None:
        self.said.append(("error", event, fields))


def absent() -> SmProvider:
    raise SmProviderBroken("不存在")


def test_the_log_says_which_sm2_there_is_and_what_was_dropped() -> None:
    lines = Lines()
    tell_sm2(lines, select_sm2([("libcrypto", absent), ("pure", Pure)]))
    tell_sm2(lines, select_sm2([("libcrypto", absent)]))
    tell_sm2(lines)
    [(_, _, pure), (level, _, none), (_, event, here)] = lines.said
    assert (pure["kind"], pure["state"]) == ("pure", "verifies_only")
    assert pure["cause"] == none["cause"] == "libcrypto:不存在"
    assert (level, none["state"]) == ("warning", "unavailable")
    assert (event, here["state"]) == ("sm2_provider", "signs")
    assert set(pure) <= ALLOWED_FIELDS


def test_a_key_file_that_others_may_read_stops_the_start(signed_by_sm2: Path) -> None:
    (signed_by_sm2 / "keys" / "log-sm2.pem").chmod(0o640)
    with pytest.raises(StoreRefused, match="KEY_READABLE_BY_OTHERS"):
        owner(signed_by_sm2)
    (signed_by_sm2 / "keys" / "log-sm2.pem").unlink()
    with pytest.raises(StoreRefused, match="KEY_MISSING"):
        owner(signed_by_sm2)
