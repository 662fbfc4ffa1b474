"""证书: a caller whose certificate cannot serve is told why before anything is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.counter.client import Credentials
from gateway.demo.dev_ca import DevCa, institution_uri

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
CODE = "H00310000001"


@pytest.fixture
def files(tmp_path: Path) -> Credentials:
    ca = DevCa(NOW, days=30)
    (tmp_path / "ca.pem").write_bytes(ca.certificate)
    ca.client(CODE, institution_uri(CODE)).write(tmp_path, CODE)
    return Credentials.of(tmp_path, CODE)


def test_a_certificate_in_its_time_serves(files: Credentials) -> None:
    assert files.unfit(NOW) is None


@pytest.mark.parametrize(
    ("days", "reason"), [(31, "CERTIFICATE_EXPIRED"), (-1, "CERTIFICATE_NOT_YET_VALID")]
)
def test_a_certificate_out_of_its_time_is_named_with_the_day_it_ends_or_begins(
    files: Credentials, days: int, reason: str
) -> None:
    failure = files.unfit(NOW + timedelta(days=days))
    assert failure is not None
    assert (failure.status, failure.reason) == ("UNAUTHENTICATED", reason)
    assert "2026-" in failure.text_zh and str(files.certificate) in failure.text_zh
    assert not failure.undecided, "nothing was sent, so nothing is open"


def test_a_missing_key_and_a_file_that_is_no_certificate_are_said(files: Credentials) -> None:
    files.certificate.write_text("no certificate", encoding="ascii")
    unreadable = files.unfit(NOW)
    assert unreadable is not None and unreadable.reason == "CERTIFICATE_UNREADABLE"
    files.key.unlink()
    missing = files.unfit(NOW)
    assert missing is not None and missing.reason == "CERTIFICATE_MISSING"
    assert str(files.key) in missing.text_zh
