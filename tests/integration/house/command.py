"""Running a `yrd` command within the test's own process."""

from __future__ import annotations

from typer.testing import CliRunner

from gateway.cli import app


def yrd(*words: object) -> tuple[int, str]:
    """Exit code and everything that was said."""
    said = CliRunner().invoke(app, [str(word) for word in words], env={"NO_COLOR": "1"})
    return said.exit_code, said.output
