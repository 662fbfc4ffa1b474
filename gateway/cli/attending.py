"""待办的命令: what waits for a person, and what an operator decides about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Data, Json, Target, Tls

if TYPE_CHECKING:
    from gateway.commands.claims import Asking

commands = typer.Typer()
claims = typer.Typer(
    no_args_is_help=True, help="待办: claims that wait for something, and what may be done."
)
commands.add_typer(claims, name="claims")

Claim = Annotated[str, typer.Argument(metavar="CLAIM", help="Claim id, e.g. clm_01KAV0….")]
Reason = Annotated[
    str,
    typer.Option("--reason", metavar="TEXT", help="Why, without names; it stays in the log."),
]
Reader = Annotated[
    str,
    typer.Option("--as", metavar="NAME", help="Whose certificate: auditor, operator, a code."),
]
Operator = Annotated[str, typer.Option("--as", metavar="NAME", help="An operator's certificate.")]


@claims.command()
def attention(
    data: Data = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that go on by themselves.")
    ] = False,
    region: Annotated[
        str, typer.Option("--region", metavar="DIGITS", help="Insured there, e.g. 33.")
    ] = "",
    caller: Reader = "auditor",
    target: Target = "",
    tls: Tls = None,
    as_json: Json = False,
) -> None:
    """待办清单: the claims that need a person, why, and what may be done about each.

    Oldest first, with amounts, since when, and the commands to use. Needs
    a gateway that runs. Exit code 1 if any needs a person.

    [dim]Examples:[/dim]
      ./yrd claims attention --data /tmp/yrd
      ./yrd claims attention --all --region 33 --data /tmp/yrd --json
    """
    from gateway.commands.claims import attention as run

    asking = _asking(data, target, tls, caller)
    run(asking, everything=everything, region=region, as_json=as_json)


@claims.command()
def show(
    claim: Claim,
    data: Data = None,
    caller: Reader = "auditor",
    target: Target = "",
    tls: Tls = None,
    as_json: Json = False,
) -> None:
    """一笔详情: amounts, what was wrong, and every message with its msgid.

    With the msgids a region's people find the settlement in their own
    system. Nothing about the patient is shown.

    [dim]Examples:[/dim]
      ./yrd claims show clm_01KAV0Q5 --data /tmp/yrd
    """
    from gateway.commands.claims import show as run

    run(_asking(data, target, tls, caller), claim_id=claim, as_json=as_json)


@claims.command("take-back")
def take_back(
    claim: Claim,
    reason: Reason,
    data: Data = None,
    caller: Operator = "operator",
    target: Target = "",
    tls: Tls = None,
    as_json: Json = False,
) -> None:
    """撤回: have what may stand at the region taken back; the gateway sends it.

    For claims in review, and those whose reversal nobody answered. The
    statement of the day decides whether it worked. Who decided and why
    stays in the log for ever.

    [dim]Examples:[/dim]
      ./yrd claims take-back clm_01KAV0Q5 --reason 金额不平,患者未离院 --data /tmp/yrd
    """
    from gateway.commands.claims import take_back as run

    asking = _asking(data, target, tls, caller)
    run(asking, claim_id=claim, reason=reason, as_json=as_json)


@claims.command("read-again")
def read_again(
    claim: Claim,
    reason: Reason,
    data: Data = None,
    caller: Operator = "operator",
    target: Target = "",
    tls: Tls = None,
    as_json: Json = False,
) -> None:
    """重新读取: read the region's stored answer with today's dictionaries.

    After a code was added that the answer carries. If it reads whole and
    adds up, the claim is settled by it. Who decided and why stays in the
    log for ever.

    [dim]Examples:[/dim]
      ./yrd claims read-again clm_01KAV0Q5 --reason 已补险种字典 --data /tmp/yrd
    """
    from gateway.commands.claims import read_again as run

    asking = _asking(data, target, tls, caller)
    run(asking, claim_id=claim, reason=reason, as_json=as_json)


def _asking(data: Path | None, target: str, tls: Path | None, caller: str) -> Asking:
    from gateway.commands.claims import Asking

    return Asking(data, target, tls, caller)
