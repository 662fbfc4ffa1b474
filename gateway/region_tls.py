"""地区平台的 TLS: whom we believe on the way to one province's platform, and what we show there.

PEM files of the settings → a context of Python's ssl: TLS 1.2 or later, the platform's name always
checked. Not here: our own server (gateway/rpc/tls.py); TLCP (国密 TLS), which a gateway in front
must speak where a province asks for it.
"""

from __future__ import annotations

import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509

from gateway.config import ConfigError, RegionTls


def tls_context(files: RegionTls, where: str) -> ssl.SSLContext:
    """Raises ConfigError (中文) naming the setting, the file and the remedy."""
    try:
        context = ssl.create_default_context(cafile=files.ca)
    except (OSError, ssl.SSLError) as error:
        raise _unfit(f"{where}.ca {files.ca}", "不是可读的 PEM 证书", error) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.certificate is not None and files.key is not None:
        _show(context, files.certificate, files.key, where)
    return context


def valid_until(certificate: Path) -> datetime:
    """The end of a certificate that tls_context took. Raises OSError."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def _show(context: ssl.SSLContext, certificate: Path, key: Path, where: str) -> None:
    try:
        # Without a password given OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        said = "不是可读的一对 PEM 证书与私钥(不得有口令)"
        raise _unfit(f"{where} 的 {certificate} 与 {key}", said, error) from error


def _unfit(what: str, said: str, error: OSError) -> ConfigError:
    detail = getattr(error, "reason", None) or type(error).__name__
    return ConfigError(f"{what} {said}({detail}):请换成正确的文件。", reason="TLS_UNFIT")
