"""The READMEs show what the demo prints today."""

from __future__ import annotations

import pytest

from tools import readme


@pytest.fixture(scope="module")
def printed() -> str:
    """One run of the demo."""
    return readme.fenced(readme.run_demo())


@pytest.mark.parametrize("page", readme.PAGES)
def test_the_readme_shows_what_the_demo_prints(page: str, printed: str) -> None:
    shown = readme.masked(readme.block_of(page)).splitlines()
    assert shown == readme.masked(printed).splitlines(), "run ./yrd generate --readme"
