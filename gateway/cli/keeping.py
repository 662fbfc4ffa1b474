"""数据库的命令: bring the database to a schema, back it up, restore it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Data, Json

commands = typer.Typer()
log = typer.Typer(no_args_is_help=True, help="日志: what is done to the log itself.")
commands.add_typer(log, name="log")


@commands.command()
def migrate(
    data: Data = None,
    owner: Annotated[
        str | None,
        typer.Option("--owner", metavar="ROLE", help="PostgreSQL user who owns the tables."),
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="File with the owner's password.")
    ] = None,
    grant_to: Annotated[
        str,
        typer.Option("--grant-to", metavar="ROLE", help="PostgreSQL user of the gateways."),
    ] = "",
) -> None:
    """升级: bring the database to the present schema. Doing so again changes nothing.

    On PostgreSQL the tables belong to a user of their own, and --grant-to
    gives the gateways' user what it needs: it can add to the journal, and
    never change it. Both users are made by deploy/postgresql.sql.

    [dim]Examples:[/dim]
      ./yrd migrate --data /tmp/yrd
      ./yrd migrate --data /srv/yrd --owner yrd_owner \\
        --password-file owner.password --grant-to yrd_gateway
    """
    from gateway.commands.migrate import run

    run(data=data, owner=owner, password_file=password_file, grant_to=grant_to)


@commands.command()
def backup(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="The file to write; never overwritten.")
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """备份: one verified file from a running gateway: database, checkpoint, vkey, settings.

    The gateway goes on; what is copied is one moment. The copy is verified
    before the file gets its name. Keys are not in it: keep DIR/keys apart,
    offline; without them nobody opens the backup. PostgreSQL is dumped with
    its own pg_dump, found in YRD_PG_BIN or on the PATH. See docs/backup.md.

    [dim]Examples:[/dim]
      ./yrd backup --data /tmp/yrd --out /backup/yrd-2026-11-24.tar
      ./yrd backup --data /tmp/yrd --out yrd.tar --json
    """
    from gateway.commands.backup import run

    run(data=data, out=out, as_json=as_json)


@commands.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What yrd backup wrote.")],
    keys: Annotated[
        Path, typer.Option("--keys", metavar="DIR", help="The keys, from where they are kept.")
    ],
    data: Data = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint", metavar="FILE", help="The newest checkpoint that can be found."
        ),
    ] = None,
    nothing_newer: Annotated[
        bool, typer.Option("--nothing-newer", help="Nothing was signed after the backup.")
    ] = False,
    database_url: Annotated[
        str,
        typer.Option(
            "--database-url", metavar="URL", help="Empty PostgreSQL database, for a backup of one."
        ),
    ] = "",
    password_file: Annotated[
        Path | None, typer.Option("--password-file", help="File with the password for that URL.")
    ] = None,
    as_json: Json = False,
) -> None:
    """恢复: make an empty directory a data directory again, from a backup and the keys.

    Verified before it is put in place. An old backup cannot know that it
    is old: bring the newest checkpoint (the old disk's checkpoint.txt, a
    witness's, a receipt's). A log shorter than that is never served. Exit
    code 1 if it is shorter.

    [dim]Examples:[/dim]
      ./yrd restore yrd.tar --data /srv/yrd --keys /media/keys --checkpoint checkpoint.txt
      ./yrd restore yrd.tar --data /srv/yrd --keys /media/keys --nothing-newer
      ./yrd restore yrd.tar --data /srv/yrd --keys /media/keys --nothing-newer \\
        --database-url postgresql+psycopg://yrd_owner@db/yrd --password-file owner.password
    """
    from gateway.commands.restore import run

    run(
        file=file,
        data=data,
        keys=keys,
        checkpoint=checkpoint,
        nothing_newer=nothing_newer,
        as_json=as_json,
        database_url=database_url,
        password_file=password_file,
    )


@log.command("restart")
def log_restart(
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why; it stays in the log for ever.")
    ],
    data: Data = None,
    origin: Annotated[
        str, typer.Option("--origin", help="Origin of the new log; default the first's, numbered.")
    ] = "",
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoint", metavar="FILE", help="A checkpoint found elsewhere; may be repeated."
        ),
    ] = None,
    valid_from: Annotated[
        str, typer.Option("--valid-from", metavar="YYYY-MM-DD", help="First day of the new key.")
    ] = "",
    valid_until: Annotated[
        str, typer.Option("--valid-until", metavar="YYYY-MM-DD", help="Last day of the new key.")
    ] = "",
    source: Annotated[
        str, typer.Option("--source", help="The document by which the key has these days.")
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Though nothing is wrong that can be seen.")
    ] = False,
    as_json: Json = False,
) -> None:
    """重启日志: go on under a new key and origin, over the same entries.

    For a database that is older than what was signed (LOG_ROLLED_BACK,
    LOG_FORKED), for a key past its date, and, with --force, for a key in
    strange hands. Every gateway must be stopped. Old checkpoints and
    receipts stay good under the old key; what is lost is told and recorded.

    [dim]Examples:[/dim]
      ./yrd log restart --data /srv/yrd --reason 恢复11月24日备份 --checkpoint kept.txt
      ./yrd log restart --data /srv/yrd --reason 密钥到期 --valid-until 2028-11-24
    """
    from datetime import date

    from gateway.commands.log_restart import Wanted, run

    try:
        first = date.fromisoformat(valid_from) if valid_from else None
        last = date.fromisoformat(valid_until) if valid_until else None
    except ValueError as error:
        raise typer.BadParameter("日期写作 YYYY-MM-DD,例如 2028-11-24") from error
    wanted = Wanted(reason, origin, checkpoints or [], first, last, source, force)
    run(data=data, wanted=wanted, as_json=as_json)
