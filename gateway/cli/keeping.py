"""数据库的命令: bring the database to a schema, back it up, restore it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import Data, Json

commands = typer.Typer()


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
    offline; without them nobody opens the backup. See docs/backup.md.

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
    """
    from gateway.commands.restore import run

    run(
        file=file,
        data=data,
        keys=keys,
        checkpoint=checkpoint,
        nothing_newer=nothing_newer,
        as_json=as_json,
    )
