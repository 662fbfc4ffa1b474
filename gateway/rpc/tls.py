"""mTLS of the server: both sides show a certificate, or there is no connection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.config import ConfigError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files, read once at start."""

    certificate: Path
    """Server certificate chain."""
    key: Path
    """Server private key."""
    client_ca: Path
    """CA that signs the institutions' certificates."""


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Credentials that demand a client certificate of our CA. Raises OSError, ConfigError."""
    refuse_unfit(files)
    return grpc.ssl_server_credentials(
        [(files.key.read_bytes(), files.certificate.read_bytes())],
        root_certificates=files.client_ca.read_bytes(),
        require_client_auth=True,
    )


def refuse_unfit(files: TlsFiles) -> x509.Certificate:
    """The server's certificate. Raises ConfigError where gRPC would only say that it cannot bind,
    OSError where a file cannot be read."""
    certificate = _certificate(files.certificate)
    _certificate(files.client_ca)
    try:
        key = load_pem_private_key(files.key.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise _unfit(f"{files.key} 不是 PEM 私钥,或有口令保护") from error
    if key.public_key() != certificate.public_key():
        raise _unfit(f"私钥 {files.key} 与证书 {files.certificate} 不是一对")
    return certificate


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise _unfit(f"{path} 不是 PEM 证书") from error


def _unfit(text_zh: str) -> ConfigError:
    return ConfigError(f"{text_zh}:请换成正确的文件。", reason="TLS_UNFIT")
