"""量度的命令: measure on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.options import Json

commands = typer.Typer()


@commands.command()
def bench(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="adapters, ledger, settle-path; none lists.")
    ] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Seconds instead of minutes: does it run at all?")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Longer series and larger ledgers: half an hour or more.")
    ] = False,
    as_json: Json = False,
) -> None:
    """量度: measure on this machine, beside a baseline of the same run; docs/performance.md.

    Starts what it needs in a temporary directory (TMPDIR names another
    disk) and ends it. adapters and settle-path take about 1½ minutes,
    ledger about 5.
    Figures are medians; nothing is asserted about time.

    [dim]Examples:[/dim]
      ./yrd bench adapters
      ./yrd bench ledger
      ./yrd bench settle-path
      ./yrd bench settle-path --json > settle-path.json
    """
    from gateway.commands.bench import run

    run(name=name, quick=quick, full=full, as_json=as_json)
