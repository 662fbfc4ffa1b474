"""A certificate authority for one test: short-lived, in a temporary folder, for loopback."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key as PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; `root` is what those who trust it need."""

    def __init__(self, folder: Path, name: str = "test ca") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._name, self._key, timedelta(), HOUR).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.root = folder / "ca.pem"
        self._write(self.root, builder.sign(self._key, hashes.SHA256()))

    def server(self) -> Pair:
        """For the gateway on 127.0.0.1."""
        loopback = x509.IPAddress(ip_address("127.0.0.1"))
        names = [x509.DNSName("localhost"), loopback]
        return self._issue("server", names, ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, *uris: str, expired: bool = False, dns: str = "") -> Pair:
        """For a caller with these URI names; `expired` ended an hour ago."""
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(uri) for uri in uris]
        names += [x509.DNSName(dns)] if dns else []
        return self._issue("client", names, ExtendedKeyUsageOID.CLIENT_AUTH, expired=expired)

    def _issue(
        self,
        label: str,
        names: list[x509.GeneralName],
        usage: x509.ObjectIdentifier,
        *,
        expired: bool = False,
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, label)])
        ends = -HOUR if expired else HOUR
        builder = self._builder(subject, key, -2 * HOUR, ends)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        number = len(list(self._folder.iterdir()))
        pair = Pair(self._folder / f"{number}-{label}.pem", self._folder / f"{number}-{label}.key")
        self._write(pair.certificate, builder.sign(self._key, hashes.SHA256()))
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return pair

    def _builder(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        begins: timedelta,
        ends: timedelta,
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins - timedelta(minutes=1))
            .not_valid_after(now + ends)
        )

    @staticmethod
    def _write(path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
