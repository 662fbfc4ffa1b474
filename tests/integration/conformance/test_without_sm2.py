"""Without SM2 a demonstration says what it speaks instead; a gateway does not start."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from adapters import registry
from adapters.baseline.profile import ProfileError
from gateway.config import load_settings
from gateway.demo.layout import PROVINCES, STAND_INS, create_data_dir
from gateway.domain.bill import VisitKind
from gateway.ids import SystemIds
from gateway.region_connections import connections_of
from gateway.secret_files import read_secrets
from tests.integration.conformance.world import NOW, world


def test_a_data_directory_of_a_machine_with_sm2_has_keys_for_both_sides(tmp_path: Path) -> None:
    place = create_data_dir(
        tmp_path / "d", now=NOW, random=SystemIds(lambda: NOW).salt, can_sm2=True
    )
    assert not place.profile("shanghai").parent.exists()
    for name in STAND_INS:
        assert place.secrets(name).stat().st_mode & 0o777 == 0o600
        assert place.platform_secrets(name).stat().st_mode & 0o777 == 0o600
        theirs = tomllib.loads(place.platform_secrets(name).read_text("utf-8"))
        ours = read_secrets(place.secrets(name))
        assert (ours.sm2 is not None) == ("sm2_private_key" in theirs) == (name == "shanghai")
    settings = load_settings(place.settings)
    assert set(connections_of(settings.regions, NOW)) == set(PROVINCES.values())


async def test_without_sm2_shanghai_and_its_stand_in_are_told_to_speak_sm3(tmp_path: Path) -> None:
    place = create_data_dir(
        tmp_path / "d", now=NOW, random=SystemIds(lambda: NOW).salt, can_sm2=False
    )
    settings = load_settings(place.settings)
    assert settings.regions["31"].profile_file == place.profile("shanghai")
    connection = connections_of(settings.regions, NOW)["shanghai"]
    spoken = registry.book_of("shanghai", connection.profile_file).at(NOW.date())
    assert (spoken.signing.scheme, spoken.encryption) == ("envelope-sm3", None)
    theirs = tomllib.loads(place.platform_secrets("shanghai").read_text("utf-8"))
    assert theirs["gate"] == "envelope-sm3"
    async with world(
        "shanghai",
        tmp_path / "state",
        secrets=connection.secrets,
        platform=theirs,
        profile_file=connection.profile_file,
    ) as w:
        await w.settled(VisitKind.OUTPATIENT)
        assert w.effective() == 1


def test_a_profile_of_one_s_own_for_another_province_is_refused(tmp_path: Path) -> None:
    over = tmp_path / "mine.toml"
    over.write_text('province = "33"\n', encoding="utf-8")
    with pytest.raises(ProfileError, match="这里应为 31"):
        registry.book_of("shanghai", over)
