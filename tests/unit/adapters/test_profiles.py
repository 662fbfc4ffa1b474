"""A profile is read strictly, each section says since when and why; each province is declared."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import adapters
from adapters import registry, wiring
from adapters.baseline.profile import ProfileError
from adapters.baseline.profile_file import load
from adapters.baseline.profile_section import CONFIDENCES
from adapters.connection import Clocks
from adapters.signing.scheme import Secrets
from adapters.wiring import Codecs
from gateway.domain.bill import VisitKind
from gateway.domain.region import RegionUnknown
from gateway.domain.visit import CertificateKind
from tests.unit.adapters.people import CLASSES

ROOM = Path(adapters.__file__ or "").parent
TEXT = (ROOM / "zhejiang" / "profile.toml").read_text("utf-8")


def test_every_folder_with_a_profile_is_declared() -> None:
    folders = {path.parent.name for path in ROOM.glob("*/profile.toml")}
    assert folders == {name for name, _ in registry.PROVINCES.values()}
    for code, (name, _) in registry.PROVINCES.items():
        assert wiring.book_of(f"adapters.{name}").province == code
        assert (ROOM / name / "README.md").exists()


@pytest.mark.parametrize("province", CLASSES)
def test_every_section_is_dated_sourced_and_marked(province: str) -> None:
    for sections in wiring.book_of(f"adapters.{province}").sections.values():
        for section in sections:
            assert section.source
            assert section.confidence in CONFIDENCES


@pytest.mark.parametrize("province", CLASSES)
def test_a_dictionary_has_a_word_for_everything_we_can_say(province: str) -> None:
    words = wiring.book_of(f"adapters.{province}").at(date(2025, 9, 10)).dictionary
    assert set(words.visit_kinds) == set(VisitKind)
    assert set(words.certificates) == set(CertificateKind)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('infver = "V1.0"', ""),
        ('infver = "V1.0"', "infver = 1"),
        ('infver = "V1.0"', 'infver = "V1.0"\nsurprise = 1'),
        ('"zj-hmac-sm3"', '"none"'),
        ('310 = "employee"', '310 = "employees"'),
        ("valid_from = 2022-01-01", 'valid_from = "2022"'),
        ('confidence = "medium"', 'confidence = "sure"'),
        ("number_style", "number_stile"),
        ('province = "33"', ""),
        ("concurrency = 64", "concurrency = 6.4"),
        ("concurrency = 64", "concurrency = 0"),
        ("2304A = 60000", "2304A = 0"),
        ("retry_budget = 10", "retry_budget = -1"),
        ("lines_per_upload = 100", "lines_per_upload = 0"),
        ('path = "/fsi/api/{infno}"', 'path = "fsi/api/{infno}"'),
        ('{ 2207A = "/fsi', '{ 2207A = "fsi'),
        ('2203 = "2203A"', '2203 = "22O3A"'),
        ('infno = "5"', 'infno = "five"'),
    ],
)
def test_a_wrong_profile_is_refused(old: str, new: str) -> None:
    text = TEXT.replace('infver = "V1.0"', 'infver = "V1.0"\nnumber_style = "number"')
    assert load(text).province == "33"
    with pytest.raises(ProfileError):
        load(text.replace(old, new, 1))


def test_the_newest_valid_section_counts() -> None:
    later = TEXT[TEXT.index("[[signing]]") : TEXT.index("[[conventions]]")]
    later = later.replace("2022-01-01", "2026-01-01").replace("= false", "= true")
    book = load(TEXT + "\n" + later)
    assert not book.at(date(2025, 12, 31)).signing.answers_signed
    assert book.at(date(2026, 1, 1)).signing.answers_signed
    with pytest.raises(ProfileError):
        book.at(date(2021, 12, 31))


def test_a_codec_changes_at_midnight_in_shanghai() -> None:
    later = TEXT[TEXT.index("[[conventions]]") : TEXT.index("[[dictionary]]")]
    book = load(TEXT + "\n" + later.replace("2022-01-01", "2026-01-01").replace('"0"', '"1"'))
    secrets = Secrets("k", b"s")
    codecs = Codecs(book, CLASSES["zhejiang"], lambda _: secrets)
    before = codecs(datetime(2025, 12, 31, 15, 59, tzinfo=UTC))
    after = codecs(datetime(2025, 12, 31, 16, 0, tzinfo=UTC))
    assert before.profile.conventions.success == ("0",)
    assert after.profile.conventions.success == ("1",)


def test_a_region_without_a_connection_is_refused_by_name() -> None:
    clocks = Clocks(now=lambda: datetime(2025, 9, 10, tzinfo=UTC), monotonic=lambda: 0.0)
    regions = registry.connect({}, clocks)
    with pytest.raises(RegionUnknown):
        regions.of("310118")
    with pytest.raises(RegionUnknown):
        regions.of("110000")
    with pytest.raises(KeyError):
        registry.connect({"hunan": None}, clocks)  # type: ignore[dict-item]  # never looked at
