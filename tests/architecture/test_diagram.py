"""The picture of a claim's life in docs/architecture.md shows the table's moves and no others."""

from __future__ import annotations

import re

from gateway.domain.claim import TABLE, TERMINAL
from tests.architecture.sources import HOME

ARROW = re.compile(r"^\s+(\S+) --> ([^\s:]+)", re.MULTILINE)


def drawn() -> set[tuple[str, str]]:
    """The arrows of the state diagram."""
    page = (HOME / "docs" / "architecture.md").read_text(encoding="utf-8")
    diagram = page.split("stateDiagram-v2")[1].split("```")[0]
    return set(ARROW.findall(diagram))


def test_the_state_diagram_shows_what_the_table_says() -> None:
    moves = {(s.value, found.to.value) for (s, _), found in TABLE.items() if found.to is not s}
    ends = {(state.value, "[*]") for state in TERMINAL}
    assert drawn() == moves | ends | {("[*]", "RECORDED")}
