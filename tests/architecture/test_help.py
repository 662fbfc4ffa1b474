"""Every command answers --help with an example, and the READMEs name commands that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from gateway.cli import app
from gateway.commands.dictionary import app as dictionary
from gateway.commands.policy import app as policy
from tests.architecture.sources import HOME, where

GROUP = get_command(app)
TOOLS = {path.stem for path in (HOME / "tools").glob("*.py")}


def commands() -> list[list[str]]:
    """Every command line that does something, subcommands included."""
    # Loaded only when they are asked for, so click does not know them.
    inner = {"policy": policy, "dictionary": dictionary}
    found: list[list[str]] = []
    for name, command in sorted(getattr(GROUP, "commands", {}).items()):
        group = get_command(inner[name]) if name in inner else command
        below = getattr(group, "commands", {})
        found += [[name, sub] for sub in sorted(below)] or [[name]]
    return found


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_a_command_teaches_by_example(command: list[str]) -> None:
    said = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "120", "NO_COLOR": "1"})
    assert said.exit_code == 0
    in_usage_and_example = 2
    assert said.output.count(f"yrd {' '.join(command)}") >= in_usage_and_example


@pytest.mark.parametrize("page", sorted(HOME.glob("README*.md")), ids=where)
def test_a_readme_names_only_commands_that_exist(page: Path) -> None:
    named = set(re.findall(r"\./yrd ([a-z][a-z-]*)", page.read_text(encoding="utf-8")))
    known = {command[0] for command in commands()} | TOOLS
    assert named
    assert named <= known
