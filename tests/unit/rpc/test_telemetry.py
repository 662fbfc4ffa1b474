"""日志: unknown fields are dropped, numbers of people are redacted, in tracebacks too."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import telemetry
from tests.unit.rpc.samples import ID_NUMBER, NOW


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where lines go; the standard library's root logger is given back afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_and_the_calls_request_id(stream: io.StringIO) -> None:
    log = telemetry.configure(now=lambda: NOW, stream=stream)
    token = telemetry.request_id_var.set("req_01")
    log.info("call", rpc="claim.v1.ClaimService/SettleClaim", duration_ms=12)
    telemetry.request_id_var.reset(token)
    assert lines(stream) == [{
        "at": "2026-11-24T03:00:00.000+00:00", "duration_ms": 12, "event": "call",
        "level": "info", "request_id": "req_01", "rpc": "claim.v1.ClaimService/SettleClaim",
    }]  # fmt: skip


def test_a_field_that_is_not_on_the_list_is_dropped(stream: io.StringIO) -> None:
    telemetry.configure(now=lambda: NOW, stream=stream).info("call", patient_name="测试甲一")
    assert "patient_name" not in stream.getvalue() and "测试甲一" not in stream.getvalue()


def test_an_object_in_an_allowed_field_is_named_and_not_shown(stream: io.StringIO) -> None:
    telemetry.configure(now=lambda: NOW, stream=stream).info("call", cause={"id": ID_NUMBER})
    assert lines(stream)[0]["cause"] == "<dict>"


def test_an_identity_number_in_a_traceback_is_redacted(stream: io.StringIO) -> None:
    log = telemetry.configure(now=lambda: NOW, stream=stream)
    try:
        raise KeyError(f"no person {ID_NUMBER}")
    except KeyError as error:
        log.error("call failed inside", exc_info=error)
    assert ID_NUMBER not in stream.getvalue()
    line = lines(stream)[0]
    assert line["error_type"] == "KeyError"
    assert "[REDACTED:id_number]" in line["exception"] and "Traceback" in line["exception"]


def test_what_libraries_log_goes_through_the_same_nets(stream: io.StringIO) -> None:
    telemetry.configure(now=lambda: NOW, stream=stream)
    logging.getLogger("grpc._server").warning("peer said %s", ID_NUMBER)
    assert lines(stream)[0]["event"] == "peer said [REDACTED:id_number]"
    assert lines(stream)[0]["logger"] == "grpc._server"


def test_a_log_file_is_readable_by_its_owner_only(tmp_path: Path, stream: io.StringIO) -> None:
    path = tmp_path / "yrd.log"
    telemetry.configure(now=lambda: NOW, path=path).info("serving", port=1)
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text(encoding="utf-8"))["port"] == 1


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (ID_NUMBER, "[REDACTED:id_number]"),
        (f"x{ID_NUMBER}y", "x[REDACTED:id_number]y"),
        ("003118195203158881", "[REDACTED:digits18]"),
        ("11010519491231002x", "[REDACTED:id_number]"),
        ("003118195203158882", "[REDACTED:id_number]"),
        ("old 310229520315888.", "old [REDACTED:digits15]."),
        ("3100000123456789012", "[REDACTED:card_number]"),
        ("003118D156000005FFFF000011112222", "[REDACTED:card_serial]"),
        ('{"ecToken": "abc.def"}', '{"ecToken": "[REDACTED:secret]"}'),
        ("Authorization: Bearer abc", "Authorization: [REDACTED:secret]"),
        ("msgid H00310000001202611241015000001", "msgid H00310000001202611241015000001"),
        ("clm_01KAV0000000000000000ABCDE", "clm_01KAV0000000000000000ABCDE"),
        ("金额,已结算", "金额,已结算"),
    ],
)
def test_the_second_net(text: str, redacted: str) -> None:
    assert telemetry.redact(text) == redacted
