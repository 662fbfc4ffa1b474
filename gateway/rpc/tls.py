"""mTLS of the server: both sides show a certificate, or there is no connection.

The files may be replaced while it runs: each new connection takes what they hold then. Connections
there are keep what they began with until their age ends them (server.py). Files that do not fit
together change nothing (gateway/watched_files.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.config import ConfigError
from gateway.watched_files import FileWatch


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files."""

    certificate: Path
    """Server certificate chain."""
    key: Path
    """Server private key."""
    client_ca: Path
    """CA that signs the institutions' certificates."""


def server_credentials(files: TlsFiles, watch: FileWatch | None = None) -> grpc.ServerCredentials:
    """Credentials that demand a client certificate of our CA. Raises OSError, ConfigError."""
    if watch is None:
        first, newest = _pair_of(files), None
    else:
        paths = (files.certificate, files.key, files.client_ca)
        newest = watch.watch("tls", paths, lambda: _pair_of(files))
        first = newest()
    return grpc.dynamic_ssl_server_credentials(
        first, newest or (lambda: first), require_client_authentication=True
    )


def _pair_of(files: TlsFiles) -> grpc.ServerCertificateConfiguration:
    refuse_unfit(files)
    return grpc.ssl_server_certificate_configuration(
        [(files.key.read_bytes(), files.certificate.read_bytes())],
        root_certificates=files.client_ca.read_bytes(),
    )


def refuse_unfit(files: TlsFiles) -> x509.Certificate:
    """The server's certificate. Raises ConfigError where gRPC would only say that it cannot bind,
    OSError where a file cannot be read."""
    certificate = _certificate(files.certificate)
    _certificate(files.client_ca)
    try:
        key = load_pem_private_key(files.key.read_bytes(), password=None)
        own = key.public_key() == certificate.public_key()
    except UnsupportedAlgorithm as error:
        # A 国密 certificate for one: it is read without a word, but its key is not.
        both = f"{files.certificate} 或 {files.key}"
        raise _unfit(f"{both} 的算法不受支持(国密 TLS 由前置网关承担)") from error
    except (ValueError, TypeError) as error:
        raise _unfit(f"{files.key} 不是 PEM 私钥,或有口令保护") from error
    if not own:
        raise _unfit(f"私钥 {files.key} 与证书 {files.certificate} 不是一对")
    return certificate


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise _unfit(f"{path} 不是 PEM 证书") from error


def _unfit(text_zh: str) -> ConfigError:
    return ConfigError(f"{text_zh}:请换成正确的文件。", reason="TLS_UNFIT")
