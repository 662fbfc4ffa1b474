"""A server certificate that cannot serve is refused by a word, whatever is wrong with it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config import ConfigError
from gateway.demo.dev_ca import DevCa
from gateway.demo.dev_keys import dev_key
from gateway.rpc.tls import TlsFiles, refuse_unfit

SM2 = Path("tests/golden/sm/certificate.pem")


@pytest.mark.parametrize("certificate", [SM2, None])
def test_a_national_certificate_or_key_is_refused_and_not_stumbled_over(
    tmp_path: Path, certificate: Path | None
) -> None:
    ca = DevCa(datetime(2026, 1, 1, tzinfo=UTC))
    ca.server().write(tmp_path, "server")
    (tmp_path / "ca.pem").write_bytes(ca.certificate)
    sm2 = tmp_path / "sm2.key"
    sm2.write_bytes(dev_key(lambda: bytes(range(32))).pem)
    key = tmp_path / "server.key" if certificate else sm2
    files = TlsFiles(certificate or tmp_path / "server.pem", key, tmp_path / "ca.pem")
    with pytest.raises(ConfigError, match="国密 TLS 由前置网关承担") as refused:
        refuse_unfit(files)
    assert refused.value.reason == "TLS_UNFIT"
