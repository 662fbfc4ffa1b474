"""`./yrd`: the command line. Says what each command is and takes; the work is in gateway/commands.

Nothing but typer is imported before a command is chosen, so that --help is quick.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

EPILOG = (
    "Also: [bold]./yrd test[/bold] runs the tests, [bold]./yrd check[/bold] everything that CI"
    " checks, [bold]./yrd generate[/bold] the protobuf stubs.\n\n"
    "Start with [bold]./yrd demo --keep /tmp/yrd[/bold], then"
    " [bold]./yrd settle examples/08-*.json --data /tmp/yrd[/bold]."
)

app = typer.Typer(
    name="yrd",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=EPILOG,
    help=(
        "长三角异地就医直接结算网关: one medical claim, settled between"
        " Shanghai, Jiangsu and Zhejiang.\n\n"
        "Every command that works on data takes the directory of [bold]yrd demo --keep DIR[/bold]"
        " as [bold]--data DIR[/bold] or YRD_DATA."
    ),
)

Data = Annotated[
    Path | None,
    typer.Option("--data", envvar="YRD_DATA", metavar="DIR", help="Data directory (数据目录)."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
Follow = Annotated[bool, typer.Option("--follow-stdin", hidden=True)]
Target = Annotated[
    str, typer.Option("--target", metavar="HOST:PORT", help="A gateway that runs elsewhere.")
]
Tls = Annotated[
    Path | None,
    typer.Option(
        "--tls",
        metavar="DIR",
        help="With --target: ca.pem and, per institution, CODE.pem and CODE.key.",
    ),
]


@app.command()
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


@app.command()
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


@app.command()
def verify(
    data: Data = None,
    against: Annotated[
        Path | None,
        typer.Option(
            "--against", metavar="FILE", help="A checkpoint that was kept elsewhere, to compare."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """查账: derive ledger, log and claims again from their rows; say what is wrong and what to
    do.

    Trusts nothing but the log's public key (DIR/vkey). The gateway may go
    on running meanwhile. Exit code 1 if anything does not hold.

    [dim]Examples:[/dim]
      ./yrd verify --data /tmp/yrd
      ./yrd verify --data /tmp/yrd --against kept-by-the-auditor.txt
    """
    from gateway.commands.verify import run

    run(data=data, against=against, as_json=as_json)


@app.command("verify-receipt")
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
    trust = Trust(witnesses or [], quorum, policy_file, last_day)
    run(files=files, key=key, data=data, as_json=as_json, trust=trust, proofs=proofs)


@app.command("export-log")
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


@app.command()
def call(
    method: Annotated[
        str, typer.Argument(metavar="[METHOD]", help="e.g. GetClaim or ClaimService/ListClaims.")
    ] = "",
    body: Annotated[
        str, typer.Argument(metavar="[JSON]", help="Request; @FILE reads a file, - stdin.")
    ] = "{}",
    data: Data = None,
    caller: Annotated[
        str, typer.Option("--as", metavar="CODE", help="Institution, or auditor.")
    ] = "H00310000001",
    target: Target = "",
    tls: Tls = None,
) -> None:
    """调用: one gRPC call with JSON in and JSON out; without METHOD, list the methods.

    Errors are shown with reason, field and Chinese text. Needs a gateway
    that runs (yrd serve).

    [dim]Examples:[/dim]
      ./yrd call --data /tmp/yrd
      ./yrd call ListClaims '{"page_size": 3}' --data /tmp/yrd
      ./yrd call GetCheckpoint --as auditor --data /tmp/yrd
      ./yrd call SettleClaim @request.json --as H00310000001 --data /tmp/yrd
    """
    from gateway.commands.call import run

    run(method=method, body=body, data=data, caller=caller, target=target, tls=tls)


@app.command()
def serve(
    data: Data = None,
    init: Annotated[
        bool, typer.Option("--init", help="Make a demonstration directory if there is none.")
    ] = False,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring the database to the present schema first.")
    ] = False,
    follow: Follow = False,
) -> None:
    """网关: run the gateway until SIGTERM or Ctrl-C, which let running calls finish.

    Address, certificates and regions are in DIR/yrd.toml; YRD_LISTEN and
    its like win over it. Prints "listening HOST:PORT" once it can be
    called. To settle it needs its regions: for a demonstration run
    ./yrd sandbox shanghai, jiangsu and zhejiang on the same DIR.

    [dim]Examples:[/dim]
      ./yrd serve --data /tmp/yrd
      YRD_LISTEN=127.0.0.1:9000 ./yrd serve --data /tmp/yrd
    """
    from gateway.commands.serve import run

    run(data=data, init=init, migrate=migrate, follow=follow)


@app.command()
def sandbox(
    province: Annotated[str, typer.Argument(help="shanghai, jiangsu or zhejiang.")],
    data: Data = None,
    port: Annotated[
        int | None, typer.Option("--port", help="0 takes a free one; default as in DIR/yrd.toml.")
    ] = None,
    faults: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="NAME[=VALUE][@INFNO][#COUNT]", help="May be repeated."),
    ] = None,
    follow: Follow = False,
) -> None:
    """平台: run one stand-in regional platform; synthetic people only, never in production.

    Speaks the province's wire over HTTP and keeps its state in DIR/sandbox.
    Faults: delay, delay-request, refuse, lose-reply, lose-request, repeat,
    differ, broken, garbage, http500, wrong-signature.

    [dim]Examples:[/dim]
      ./yrd sandbox shanghai --data /tmp/yrd
      ./yrd sandbox zhejiang --data /tmp/yrd --fault lose-reply=1@2207 --fault delay=0.5s
    """
    from gateway.commands.sandbox import run

    run(province=province, data=data, port=port, faults=faults or [], follow=follow)


@app.command()
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


@app.command()
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


@app.command()
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


@app.command("check-config")
def check_config(data: Data = None, as_json: Json = False) -> None:
    """查配置: read the settings and everything they name, and say what would keep it from
    serving.

    [dim]Examples:[/dim]
      ./yrd check-config --data /tmp/yrd
    """
    from gateway.commands.check_config import run

    run(data=data, as_json=as_json)


@app.command(
    context_settings={
        "allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": [],
    },
)  # fmt: skip
def policy(context: typer.Context) -> None:
    """待遇政策: show, lint and check the dated benefit rules (policy show | lint | check).

    [dim]Examples:[/dim]
      ./yrd policy show 310000
      ./yrd policy check CASES.csv
    """
    from gateway.commands.policy import app as policy_app

    policy_app(args=context.args or ["--help"], prog_name="yrd policy")


@app.command()
def bench(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="e.g. settle-path; none lists them.")
    ] = "",
    quick: Annotated[
        bool, typer.Option("--quick", help="Seconds instead of minutes: does it run at all?")
    ] = False,
    as_json: Json = False,
) -> None:
    """量度: measure on this machine, beside a baseline of the same run; docs/performance.md.

    Starts what it needs in a temporary directory (TMPDIR names another
    disk) and ends it. settle-path takes about 1½ minutes. Figures are
    medians; nothing is asserted about time.

    [dim]Examples:[/dim]
      ./yrd bench settle-path
      ./yrd bench settle-path --json > settle-path.json
    """
    from gateway.commands.bench import run

    run(name=name, quick=quick, as_json=as_json)


def main() -> None:
    """Run the command line; Ctrl-C ends it quietly, after everything it started has ended."""
    try:
        app(prog_name="yrd")
    except KeyboardInterrupt:
        sys.exit(130)
