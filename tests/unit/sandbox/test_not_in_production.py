"""A stand-in platform does not start where real people are settled."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.sandbox.not_in_production import NotInProduction, refuse_production


def test_the_environment_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_production(tmp_path)
    monkeypatch.setenv("YRD_ENVIRONMENT", "production")
    with pytest.raises(NotInProduction, match="YRD_ENVIRONMENT=production"):
        refuse_production(tmp_path)


@pytest.mark.parametrize("state", ["", "sandbox"])
def test_so_are_the_settings_of_the_directory_it_is_pointed_at(tmp_path: Path, state: str) -> None:
    settings = tmp_path / "yrd.toml"
    settings.write_text('environment = "demo"\n')
    refuse_production(tmp_path / state)
    settings.write_text('environment = "production"\n')
    with pytest.raises(NotInProduction, match=r"yrd\.toml 写着 environment = \"production\""):
        refuse_production(tmp_path / state)


def test_settings_that_cannot_be_read_are_no_leave_to_run(tmp_path: Path) -> None:
    (tmp_path / "yrd.toml").write_text("environment = ")
    with pytest.raises(NotInProduction, match="不能确认不是生产环境"):
        refuse_production(tmp_path / "sandbox")
