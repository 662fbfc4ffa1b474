"""网关的命令: run the gateway and its stand-in regions, and call it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.options import (
    Data,
    Follow,
    Json,
    OurCertificate,
    OurKey,
    PlatformCa,
    Target,
    Tls,
)

commands = typer.Typer()


@commands.command()
def call(
    method: Annotated[
        str, typer.Argument(metavar="[METHOD]", help="e.g. GetClaim or ClaimService/ListClaims.")
    ] = "",
    body: Annotated[
        str, typer.Argument(metavar="[JSON]", help="Request; @FILE reads a file, - stdin.")
    ] = "{}",
    data: Data = None,
    caller: Annotated[
        str,
        typer.Option(
            "--as", metavar="CODE", help="Whose certificate: an institution's code, or auditor."
        ),
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
      ./yrd call GetStatus --as auditor --data /tmp/yrd
      ./yrd call SettleClaim @request.json --as H00310000001 --data /tmp/yrd
    """
    from gateway.commands.call import run

    run(method=method, body=body, data=data, caller=caller, target=target, tls=tls)


@commands.command()
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

    Several may serve one DIR, each at an address of its own. On SQLite the
    first writes (写入进程); the others check who calls and forward to it
    (转发进程), and one takes its place within seconds when it is gone. Each
    says which part it plays. Before migrate or restore stop them all.

    [dim]Examples:[/dim]
      ./yrd serve --data /tmp/yrd
      YRD_LISTEN=127.0.0.1:9000 ./yrd serve --data /tmp/yrd
    """
    from gateway.commands.serve import run

    run(data=data, init=init, migrate=migrate, follow=follow)


@commands.command()
def sandbox(
    province: Annotated[str, typer.Argument(help="shanghai, jiangsu, zhejiang or anhui.")],
    data: Data = None,
    port: Annotated[
        int | None, typer.Option("--port", help="0 takes a free one; default as in DIR/yrd.toml.")
    ] = None,
    faults: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="NAME[=VALUE][@INFNO][#COUNT]", help="May be repeated."),
    ] = None,
    seed: Annotated[
        Path | None,
        typer.Option("--seed", metavar="DIR", help="People and books of your own, if it has none."),
    ] = None,
    write_seed: Annotated[
        Path | None,
        typer.Option("--write-seed", metavar="DIR", help="Write an example for --seed, and end."),
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Forget people, settlements and messages first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --reset: do not ask.")] = False,
    messages: Annotated[
        int, typer.Option("--messages", min=0, help="How many the inspector keeps; 0 none.")
    ] = 2000,
    follow: Follow = False,
) -> None:
    """平台: run one stand-in regional platform; synthetic people only, never in production.

    Speaks the province's wire over HTTP and keeps its state in DIR/sandbox.
    What came and what was answered, field by field with Chinese names:
    /sandbox/inspector on its address, from this machine alone.
    Faults: delay, delay-request, refuse, lose-reply, lose-request, reset,
    repeat, other-msgid, duplicate, differ, broken, blank-numbers,
    number-as-text, text-as-number, garbage, truncate, trickle, http500,
    http502, wrong-signature; =1 is once, =0.1 or =10% a share.

    [dim]Examples:[/dim]
      ./yrd sandbox shanghai --data /tmp/yrd
      ./yrd sandbox zhejiang --data /tmp/yrd --fault lose-reply=0.1,delay=0.5s
      ./yrd sandbox jiangsu --write-seed /tmp/people
      ./yrd sandbox jiangsu --data /tmp/yrd --seed /tmp/people --reset
    """
    from gateway.commands.sandbox import Wanted, run

    wanted = Wanted(
        province=province,
        port=port,
        faults=faults or [],
        seed=seed,
        write_seed=write_seed,
        reset=reset,
        yes=yes,
        messages=messages,
    )
    run(wanted, data=data, follow=follow)


@commands.command()
def conformance(
    profile: Annotated[
        str, typer.Option("--profile", metavar="P", help="shanghai, jiangsu, zhejiang …")
    ] = "",
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Start a stand-in platform of our own and try it.")
    ] = False,
    url: Annotated[
        str, typer.Option("--url", metavar="URL", help="Somebody's test platform instead.")
    ] = "",
    secrets: Annotated[
        Path | None, typer.Option("--secrets", metavar="FILE", help="With --url: signing keys.")
    ] = None,
    person: Annotated[
        Path | None,
        typer.Option(
            "--person", metavar="FILE", help="With --url: test people (docs/conformance.md)."
        ),
    ] = None,
    profile_file: Annotated[
        Path | None,
        typer.Option("--profile-file", metavar="FILE", help="A site's own profile sections."),
    ] = None,
    ca: PlatformCa = None,
    certificate: OurCertificate = None,
    key: OurKey = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="RULE", help="e.g. C21; may be repeated."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="The few rules that matter most.")] = False,
    show: Annotated[bool, typer.Option("--list", help="Say what the rules are.")] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit file too.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """一致性检验: try a province's platform and our adapter for it, rule by rule.

    Loses, delays, repeats and damages messages on the way, and asks the
    platform's own statement (3201/3202) what took effect. It settles and
    cancels: for test platforms only, never in production. A platform that
    does otherwise than we assume is told, and fails only where money is at
    risk. Exit code 1 if a rule does not hold.

    [dim]Examples:[/dim]
      ./yrd conformance --profile zhejiang --sandbox
      ./yrd conformance --profile jiangsu --sandbox --only C21 --only C22
      ./yrd conformance --profile shanghai --url https://10.0.0.1:8443 \\
        --secrets shanghai.toml --person people.toml --junit report.xml
      ./yrd conformance --list
    """
    from gateway.commands.conformance import Wanted, run

    wanted = Wanted(
        profile=profile,
        sandbox=sandbox,
        url=url,
        secrets=secrets,
        people=person,
        profile_file=profile_file,
        ca=ca,
        certificate=certificate,
        key=key,
        only=only or [],
        quick=quick,
    )
    run(wanted, data=data, junit_file=junit, as_json=as_json, show=show)
