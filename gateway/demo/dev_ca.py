"""演示用证书: a CA of our own, a server certificate, and client certificates that say who one is.

The gateway believes the client certificate's SAN URI (`urn:yrd:institution:H00310000001`,
`urn:yrd:role:auditor`), never its subject. ECDSA P-256, days of validity as given. Not for
production: there the institutions' certificates come from whoever registers institutions.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUDITOR_URI = "urn:yrd:role:auditor"
OPERATOR_URIS = ("urn:yrd:role:operator", "urn:yrd:operator:demo")
"""The role, and who it is."""
CLOCK_SKEW = timedelta(minutes=5)
"""Certificates begin this long before now: two machines' clocks differ."""


def institution_uri(code: str) -> str:
    """SAN URI of an institution's client certificate."""
    return f"urn:yrd:institution:{code}"


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its private key, PEM."""

    certificate: bytes
    key: bytes

    def write(self, directory: Path, name: str) -> None:
        """`name.pem` and `name.key`; the key is readable by its owner only."""
        (directory / f"{name}.pem").write_bytes(self.certificate)
        path = directory / f"{name}.key"
        path.touch(mode=0o600)
        path.write_bytes(self.key)


class DevCa:
    """Issues certificates for one data directory; its own key is never written anywhere."""

    def __init__(self, now: datetime, *, days: int = 365) -> None:
        self._from = now - CLOCK_SKEW
        self._until = now + timedelta(days=days)
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = _name("yrd demo CA (not for production)")
        builder = self._builder(name, name, self._key.public_key())
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        builder = builder.add_extension(_key_usage(sign_certificates=True), critical=True)
        self._certificate = builder.sign(self._key, hashes.SHA256())

    @property
    def certificate(self) -> bytes:
        """The CA's certificate, PEM: what both sides trust."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def server(self, names: Sequence[str] = ("localhost",)) -> Pair:
        """For the gateway on this machine."""
        addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        alternatives = [*map(x509.DNSName, names), *addresses]
        return self._issue("yrd gateway", alternatives, ExtendedKeyUsageOID.SERVER_AUTH)

    def client(self, subject: str, *uris: str) -> Pair:
        """For a caller that `uris` name."""
        alternatives = [x509.UniformResourceIdentifier(uri) for uri in uris]
        return self._issue(subject, alternatives, ExtendedKeyUsageOID.CLIENT_AUTH)

    def _issue(
        self,
        subject: str,
        alternatives: Sequence[x509.GeneralName],
        usage: x509.ObjectIdentifier,
    ) -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(subject), self._certificate.subject, key.public_key())
        for extension, critical in (
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_key_usage(sign_certificates=False), True),
            (x509.ExtendedKeyUsage([usage]), False),
            (x509.SubjectAlternativeName(alternatives), False),
        ):
            builder = builder.add_extension(extension, critical=critical)
        certificate = builder.sign(self._key, hashes.SHA256())
        return Pair(
            certificate.public_bytes(serialization.Encoding.PEM),
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
    ) -> x509.CertificateBuilder:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._from)
            .not_valid_after(self._until)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(authority, critical=False)
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
