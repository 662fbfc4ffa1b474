"""误用: a command that cannot be carried out says so at once, in words, and has done nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.demo.dev_ca import DevCa, institution_uri
from gateway.demo.layout import create_data_dir
from tests.integration.demo.running import EXAMPLES, document, yrd

BILL = EXAMPLES / "08-your-turn-jiashan-resident-in-qingpu.json"
CODE = "H00310000003"
NOBODY = "127.0.0.1:9"
"""The discard port: nothing listens there."""


def certificates(directory: Path, *, days: int) -> Path:
    directory.mkdir()
    ca = DevCa(SystemClock().now() - timedelta(days=30), days=days)
    (directory / "ca.pem").write_bytes(ca.certificate)
    ca.client(CODE, institution_uri(CODE)).write(directory, CODE)
    return directory


@pytest.mark.parametrize(("days", "reason"), [
    (60, "GATEWAY_UNREACHABLE"), (20, "CERTIFICATE_EXPIRED"),
])  # fmt: skip
def test_who_cannot_be_reached_is_told_that_nothing_was_sent(
    tmp_path: Path, days: int, reason: str
) -> None:
    tls = certificates(tmp_path / "tls", days=days)
    run = yrd("settle", BILL, "--target", NOBODY, "--tls", tls, "--json")
    assert run.returncode == 1
    assert document(run)[0]["reason"] == reason
    assert "未提交" in document(run)[0]["text_zh"]
    assert "结果未知" not in run.stderr


@pytest.mark.parametrize(("arguments", "says"), [
    (("settle", BILL, "--out", "/nowhere/results.csv"), "未提交任何文件"),
    (("settle", BILL, "--key", "nonsense"), "不是公钥"),
    (("demo", "--keep", "/proc/nowhere"), "无法写入"),
    (("sandbox", "shanghai", "--port", "99999"), "0–65535"),
    (("policy", "check", "/nowhere/cases.csv"), "无法读取"),
])  # fmt: skip
def test_what_cannot_be_carried_out_is_said_in_words(arguments: tuple[str, ...], says: str) -> None:
    run = yrd(*arguments)
    assert run.returncode in (1, 2)
    assert says in run.stderr + run.stdout
    assert "Traceback" not in run.stderr


def test_a_directory_without_the_platform_s_keys_is_named(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    place = create_data_dir(kept, now=SystemClock().now(), random=lambda: bytes(32))
    place.platform_secrets("anhui").unlink()
    run = yrd("sandbox", "anhui", "--data", kept)
    assert run.returncode == 2
    assert "sandbox/anhui/secrets.toml" in run.stderr and "旧版本建立" in run.stderr
    assert "Traceback" not in run.stderr


def test_an_address_that_is_none_is_said(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    run = yrd("serve", "--data", kept, "--init", YRD_LISTEN="nonsense")
    assert run.returncode == 2
    assert "HOST:PORT" in run.stderr and "Traceback" not in run.stderr
