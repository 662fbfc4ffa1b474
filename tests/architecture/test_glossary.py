"""docs/glossary.md is the list of names that the code really uses."""

from __future__ import annotations

import re

from tests.architecture.sources import HOME, python_files, text_files

GLOSSARY = HOME / "docs" / "glossary.md"
IDENTIFIER = re.compile(r"`([A-Za-z_][A-Za-z0-9_.]*)`")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def rows() -> list[list[str]]:
    """The cells of every table row: 中文 · identifier · source · note."""
    lines = GLOSSARY.read_text(encoding="utf-8").splitlines()
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines if line[:1] == "|"]
    return [c for c in cells if len(c) == 4 and c[0] != "中文" and set(c[0]) != {"-"}]


def words_of_the_code() -> set[str]:
    """Every word in our sources and protos, comments included."""
    files = python_files("gateway", "adapters", "ledger")
    files += [path for path in text_files() if path.suffix == ".proto"]
    return {w for path in files for w in WORD.findall(path.read_text(encoding="utf-8"))}


def test_every_term_has_a_name_a_source_and_stands_once() -> None:
    terms = [row[0] for row in rows()]
    assert len(terms) >= 40
    assert len(terms) == len(set(terms))
    assert not [row for row in rows() if not IDENTIFIER.search(row[1]) or not row[2]]


def test_every_identifier_of_the_glossary_exists_in_the_code() -> None:
    known = words_of_the_code()
    named = {name for row in rows() for name in IDENTIFIER.findall(row[1])}
    assert not {name for name in named if not set(name.split(".")) <= known}
