"""查账的命令: check ledger, log and receipts, and hand the log to others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Data, Json

commands = typer.Typer()


@commands.command()
def verify(
    data: Data = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="FILE", help="A checkpoint that was kept elsewhere, to compare."
        ),
    ] = None,
    tiles: Annotated[
        Path | None,
        typer.Option(
            "--tiles", metavar="DIR", help="Log files to compare instead of those published here."
        ),
    ] = None,
    sm2_keys: Annotated[
        list[str] | None,
        typer.Option(
            "--sm2-key",
            metavar="VKEY|FILE",
            help="The log's SM2 public key too; default DIR/sm2-vkey, if there; may be repeated.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """查账: derive ledger, log, claims and published files again from their rows; say what is
    wrong and what to do.

    Trusts nothing but the log's public key (DIR/vkey). The gateway may go
    on running meanwhile. Exit code 1 if anything does not hold.

    [dim]Examples:[/dim]
      ./yrd verify --data /tmp/yrd
      ./yrd verify --data /tmp/yrd --against kept-by-the-auditor.txt
      ./yrd verify --data /tmp/yrd --tiles /srv/mirror-of-the-log
    """
    from gateway.commands.verify import run

    run(data=data, against=against, tiles=tiles, sm2_keys=sm2_keys or [], as_json=as_json)


@commands.command("verify-receipt")
def verify_receipt(
    files: Annotated[list[Path], typer.Argument(metavar="RECEIPT…", help="Receipt files.")],
    key: Annotated[
        str,
        typer.Option("--key", metavar="VKEY|FILE", help="The log's public key; default DIR/vkey."),
    ] = "",
    data: Data = None,
    witnesses: Annotated[
        list[str] | None,
        typer.Option("--witness", metavar="VKEY|FILE", help="Must have cosigned; may be repeated."),
    ] = None,
    quorum: Annotated[
        int | None,
        typer.Option("--quorum", metavar="N", help="So many of the witnesses; default all."),
    ] = None,
    policy_file: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="Witnesses and quorum as C2SP tlog-policy."),
    ] = None,
    key_until: Annotated[
        str, typer.Option("--key-until", metavar="YYYY-MM-DD", help="Last day of the log's key.")
    ] = "",
    sm2_key: Annotated[
        str,
        typer.Option("--sm2-key", metavar="VKEY|FILE", help="SM2 key that must have signed too."),
    ] = "",
    proofs: Annotated[
        Path | None,
        typer.Option("--proofs", metavar="DIR", help="Write each also as C2SP tlog-proof."),
    ] = None,
    as_json: Json = False,
) -> None:
    """验回执: check a receipt offline, with the log's public key alone.

    Get the key by another way than the receipt. Needs no database and no
    network. A witness vouches that the log showed everyone the same
    history. C2SP tlog-proof files are read as well. Exit code 1 if a
    receipt does not hold.

    [dim]Examples:[/dim]
      ./yrd verify-receipt /tmp/yrd/receipts/*.json --key /tmp/yrd/vkey
      ./yrd verify-receipt r.json --key vkey --witness w1 --witness w2 --quorum 1
    """
    from datetime import date

    from gateway.commands.verify_receipt import Trust, run

    try:
        last_day = date.fromisoformat(key_until) if key_until else None
    except ValueError as error:
        raise typer.BadParameter("--key-until is a date, e.g. 2027-12-31") from error
    trust = Trust(witnesses or [], quorum, policy_file, last_day, sm2_key)
    run(files=files, key=key, data=data, as_json=as_json, trust=trust, proofs=proofs)


@commands.command()
def limits(data: Data = None, as_json: Json = False) -> None:
    """余额: what is left of each prepayment (预付金), beside the floor of its agreement.

    Reads the database of a running gateway, and nothing else. Which
    agreements there are is said by the setting agreements; see
    docs/limits.md. Exit code 1 if any is below its floor.

    [dim]Examples:[/dim]
      ./yrd limits --data /tmp/yrd
      ./yrd limits --data /tmp/yrd --json
    """
    from gateway.commands.limits import run

    run(data=data, as_json=as_json)


@commands.command("export-log")
def export_log(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the files go; empty or an export.")
    ],
    data: Data = None,
    entries: Annotated[
        bool, typer.Option("--entries", help="Entry bundles too: for authenticated readers only.")
    ] = False,
    as_json: Json = False,
) -> None:
    """导出日志: the log as static files that any tlog client verifies.

    Writes checkpoint, tile/…, vkey and policy (C2SP tlog-tiles). Nobody is
    in them: hashes only. The gateway may go on running meanwhile, and
    keeps the same files up to date in DIR/log by itself.

    [dim]Examples:[/dim]
      ./yrd export-log --data /tmp/yrd --out /tmp/log
    """
    from gateway.commands.export_log import run

    run(data=data, out=out, entries=entries, as_json=as_json)
