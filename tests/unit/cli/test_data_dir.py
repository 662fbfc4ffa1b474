"""数据目录: what a fresh one holds, who may read it, and what its certificates say."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.config import load_settings
from gateway.demo.dev_ca import DevCa, institution_uri
from gateway.demo.layout import DataDir, DirectoryInUse, create_data_dir
from gateway.ids import SystemIds
from gateway.participants import load_institutions

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    root = tmp_path_factory.mktemp("layout") / "data"
    return create_data_dir(root, now=NOW, random=SystemIds().salt)


def uris(pem: bytes) -> list[str]:
    names = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return names.value.get_values_for_type(x509.UniformResourceIdentifier)


def test_its_settings_are_whole_and_its_paths_are_inside(place: DataDir) -> None:
    settings = load_settings(place.settings)
    assert settings.database == place.root / "yrd.db"
    assert settings.tls is not None
    assert settings.tls.client_ca.is_file()
    assert set(settings.regions) == {"31", "32", "33"}
    assert str(place.root) not in place.settings.read_text(encoding="utf-8")


def test_every_participant_has_a_certificate_that_names_it(place: DataDir) -> None:
    institutions = load_institutions(load_settings(place.settings).participants)
    assert len(institutions) == 9
    for code in institutions:
        assert uris((place.tls / f"{code}.pem").read_bytes()) == [institution_uri(code)]
    assert uris((place.tls / "auditor.pem").read_bytes()) == ["urn:yrd:role:auditor"]


def test_nobody_else_can_read_a_key_or_a_secret(place: DataDir) -> None:
    private = [*place.tls.glob("*.key"), *place.root.glob("secrets/*"), *place.root.glob("keys/*")]
    assert len(private) > 15
    assert all(path.stat().st_mode & 0o077 == 0 for path in private)
    assert place.root.stat().st_mode & 0o077 == 0


def test_two_directories_share_no_key_and_no_log(place: DataDir, tmp_path: Path) -> None:
    other = create_data_dir(tmp_path / "other", now=NOW, random=SystemIds().salt)
    for name in ("vkey", "secrets/shanghai.toml", "keys/kek", "tls/ca.pem"):
        assert (place.root / name).read_bytes() != (other.root / name).read_bytes()
    first, second = (tomllib.loads(p.settings.read_text("utf-8")) for p in (place, other))
    assert first["log_origin"] != second["log_origin"]


def test_a_directory_that_holds_something_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(DirectoryInUse):
        create_data_dir(tmp_path, now=NOW, random=SystemIds().salt)
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]


def test_certificates_are_for_one_purpose_and_for_the_days_asked() -> None:
    ca = DevCa(NOW, days=2)
    server = x509.load_pem_x509_certificate(ca.server().certificate)
    client = x509.load_pem_x509_certificate(ca.client("x", institution_uri("H0")).certificate)
    usages = [
        list(c.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        for c in (server, client)
    ]
    assert usages == [[ExtendedKeyUsageOID.SERVER_AUTH], [ExtendedKeyUsageOID.CLIENT_AUTH]]
    assert server.not_valid_after_utc == NOW + timedelta(days=2)
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    authority = x509.load_pem_x509_certificate(ca.certificate)
    for certificate in (server, client):
        certificate.verify_directly_issued_by(authority)
