"""设置与政策的命令: check what the gateway is told before it serves by it."""

from __future__ import annotations

import typer

from gateway.cli.options import Data, Json

commands = typer.Typer()


@commands.command("check-config")
def check_config(data: Data = None, as_json: Json = False) -> None:
    """查配置: read the settings and everything they name, and say what would keep it from
    serving.

    Keys, institutions, policies, database, certificates, regions: each
    with a line of its own. Changes nothing, and needs no running gateway.
    Exit code 1 if anything is wrong.

    [dim]Examples:[/dim]
      ./yrd check-config --data /tmp/yrd
    """
    from gateway.commands.check_config import run

    run(data=data, as_json=as_json)


@commands.command(
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


@commands.command(
    context_settings={
        "allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": [],
    },
)  # fmt: skip
def dictionary(context: typer.Context) -> None:
    """字典: load, show and check the regions' code tables (dictionary load | show | unknown).

    [dim]Examples:[/dim]
      ./yrd dictionary load zhejiang --data /srv/yrd
      ./yrd dictionary unknown --data /srv/yrd
    """
    from gateway.commands.dictionary import app as dictionary_app

    dictionary_app(args=context.args or ["--help"], prog_name="yrd dictionary")
