"""Finds links in the Markdown files that lead nowhere inside the repository.

Looks at relative links and at anchors of headings; the world outside is not asked.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
SKIPPED = {".venv", ".git", ".yrd", "node_modules", ".pytest_cache"}
LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)


def markdown_files() -> list[Path]:
    """Every Markdown file of ours."""
    found = HOME.rglob("*.md")
    return sorted(p for p in found if not SKIPPED & set(p.relative_to(HOME).parts))


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get, as GitHub makes them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = (re.sub(r"[*`]|\[([^]]*)\]\([^)]*\)", r"\1", t) for t in HEADING.findall(text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken_links(page: Path, home: Path) -> list[str]:
    """One sentence for each link of a page whose target is not there."""
    text = INLINE_CODE.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))
    found = []
    for link in LINK.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        where = f"{page.relative_to(home)}: link to {link}"
        if not target.exists():
            found.append(f"{where}: no such file")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            found.append(f"{where}: no such heading")
    return found


def main() -> int:
    """Print what is broken; exit 1 if anything is."""
    pages = markdown_files()
    broken = [complaint for page in pages for complaint in broken_links(page, HOME)]
    print("\n".join(broken) or f"{len(pages)} pages, every link leads somewhere")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
