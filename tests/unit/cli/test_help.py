"""帮助: every command of the issue is there, teaches with an example, and --help stays quick."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app

HOME = Path(__file__).resolve().parents[3]
COMMANDS = (
    "demo", "serve", "sandbox", "settle", "verify", "verify-receipt", "call", "migrate",
    "check-config", "policy",
)  # fmt: skip
HEAVY = ("grpc", "sqlalchemy", "sqlmodel", "aiohttp", "google.protobuf", "cryptography")


def test_help_names_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(f" {name} " in shown for name in COMMANDS)
    assert "./yrd test" in shown
    assert "./yrd check" in shown


@pytest.mark.parametrize("name", [c for c in COMMANDS if c != "policy"])
def test_the_help_of_a_command_teaches_with_an_example(name: str) -> None:
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0
    assert f"./yrd {name}" in shown.output


def test_help_is_quick_because_nothing_heavy_is_imported() -> None:
    script = (
        f"import sys; from gateway.cli import app;print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=HOME, capture_output=True, text=True, timeout=30
    )
    assert run.stdout.strip() == "[]", run.stderr


@pytest.mark.parametrize("command", ["verify", "serve", "migrate", "check-config"])
def test_a_command_without_a_data_directory_says_how_to_get_one(command: str) -> None:
    said = CliRunner().invoke(app, [command], env={"YRD_DATA": ""})
    assert said.exit_code == 2
    assert "yrd demo --keep" in said.stderr
