"""结算的命令: settle a hospital's messages, in a demonstration or for real."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Data, Json, Target, Tls

commands = typer.Typer()


@commands.command()
def demo(
    as_json: Json = False,
    keep: Annotated[
        Path | None,
        typer.Option("--keep", metavar="DIR", help="Leave database, keys, logs, receipts in DIR."),
    ] = None,
) -> None:
    """演示: the whole system on this machine, settling real hospital messages.

    Three stand-in regional platforms and one gateway start on free loopback
    ports. Eight claims are settled, refused, lost or reversed, one is
    replayed, and nine wrong requests are turned away. Every receipt is
    checked offline, the whole database is verified, and everything ends.
    Exit code 0 only if all of it held.

    [dim]Examples:[/dim]
      ./yrd demo
      ./yrd demo --keep /tmp/yrd
      ./yrd demo --json | python3 -m json.tool
    """
    from gateway.commands.demo import run

    run(as_json=as_json, keep=keep)


@commands.command()
def settle(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE…", help="JSON arrays of national envelopes; see examples/."),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="All *.json files of a directory.")
    ] = None,
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Result CSV; with --dir: DIR/results.csv."),
    ] = None,
    target: Target = "",
    tls: Tls = None,
    key: Annotated[
        str,
        typer.Option("--key", metavar="VKEY|FILE", help="With --target: the log's public key."),
    ] = "",
    as_json: Json = False,
) -> None:
    """结算: settle what a hospital's own system writes, and show breakdown, receipt and proof.

    A file is one settlement: 2201, 2203, 2204 …, 2207 or 2401, 2301 …,
    2402, 2304, in order. The same file again is the same claim, never a
    second settlement. A malformed file is reported with JSON path and
    reason, the others go on. Without a running gateway the whole system is
    started for the duration. Exit code 1 unless every file was settled.

    If the gateway goes away, the files that wait are not submitted; the
    same command goes on later. 结果未知 is not a failure: give the same
    file again, and never settle it another way meanwhile.

    [dim]Examples:[/dim]
      ./yrd settle examples/01-*.json
      ./yrd settle --dir examples --data /tmp/yrd --out results.csv
      ./yrd settle bill.json --target 10.0.0.8:8430 --tls certificates/ --key vkey
    """
    from gateway.commands.settle import Where, run

    run(
        files=files or [],
        directory=directory,
        where=Where(data=data, target=target, tls=tls, key=key),
        out=out,
        as_json=as_json,
    )
