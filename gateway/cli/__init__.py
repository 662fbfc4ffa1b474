"""`./yrd`: the command line. Says what each command is and takes; the work is in gateway/commands.

One file for each group of commands, in the order in which --help shows them. Nothing but typer is
imported before a command is chosen, so that --help is quick.
"""

from __future__ import annotations

import sys

import typer

from gateway.cli import attending, auditing, keeping, measuring, ruling, running, settling

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
        " as [bold]--data DIR[/bold] or YRD_DATA.\n\n"
        "Exit codes: 0 all is well; 1 something does not hold, or was refused; 2 the command could"
        " not be carried out, and says in Chinese why, with a reason code and what to do."
    ),
)

PANELS = {
    "结算 · Settling": settling,
    "待办 · What needs a person": attending,
    "查账 · Auditing": auditing,
    "运行 · Running": running,
    "数据 · Keeping": keeping,
    "设置 · Settings and policies": ruling,
    "量度 · Measuring": measuring,
}
for title, group in PANELS.items():
    for command in (*group.commands.registered_commands, *group.commands.registered_groups):
        command.rich_help_panel = title
    app.add_typer(group.commands)


def main() -> None:
    """Run the command line; Ctrl-C ends it quietly, after everything it started has ended.

    What keeps a command from being carried out is said in words, with exit code 2.
    """
    try:
        app(prog_name="yrd")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from gateway.commands.refusal import explain

        text = explain(error)
        if text is None:
            raise
        print(text, file=sys.stderr)
        sys.exit(2)
