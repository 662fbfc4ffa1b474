"""mTLS of the server: both sides show a certificate, or there is no connection."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc


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
    """Credentials that demand a client certificate of our CA. Raises OSError."""
    return grpc.ssl_server_credentials(
        [(files.key.read_bytes(), files.certificate.read_bytes())],
        root_certificates=files.client_ca.read_bytes(),
        require_client_auth=True,
    )
