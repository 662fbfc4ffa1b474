"""The check that documents' links lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import links


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page beside another one, in a repository of two pages."""
    (tmp_path / "other.md").write_text("# 结算 and `state`\n\n```\n# not a heading\n```\n")
    return tmp_path / "page.md"


@pytest.mark.parametrize(
    "text",
    [
        "[there](other.md)",
        "[a heading there](other.md#结算-and-state)",
        "[here](#here)\n\n## Here\n",
        "[elsewhere](https://example.org/nothing)",
        "`[code](nowhere.md)`",
        "```\n[code](nowhere.md)\n```",
    ],
)
def test_a_link_that_leads_somewhere_is_not_reported(page: Path, text: str) -> None:
    page.write_text(text)
    assert links.broken_links(page, page.parent) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[gone](gone.md)", "page.md: link to gone.md: no such file"),
        ("[x](other.md#gone)", "page.md: link to other.md#gone: no such heading"),
        ("[x](other.md#not-a-heading)", "page.md: link to other.md#not-a-heading: no such heading"),
        ("![picture](gone.png)", "page.md: link to gone.png: no such file"),
    ],
)
def test_a_link_that_leads_nowhere_is_named(page: Path, text: str, complaint: str) -> None:
    page.write_text(text)
    assert links.broken_links(page, page.parent) == [complaint]
