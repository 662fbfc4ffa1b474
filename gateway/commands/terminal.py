"""What every command shares: where text goes, where the data lies, and how a command ends early.

Results go to standard output, everything else (progress, notes, problems) to standard error. Exit
codes: 0 all held; 1 something did not hold or was refused; 2 the command could not be carried out.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from gateway.demo.layout import DataDir

NARROWEST = 100
"""Columns when output is not a terminal: a bill's table needs them."""


def output() -> Console:
    """Standard output: results."""
    return _console(stderr=False)


def notes() -> Console:
    """Standard error: progress, notes, problems."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else NARROWEST
    return Console(stderr=stderr, width=width, highlight=False, soft_wrap=False, emoji=False)


@contextmanager
def progress_bar(what_zh: str) -> Iterator[Callable[[int, int], None]]:
    """A bar beside the results, gone when all is done; told (done, in all)."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=notes(), transient=True) as bar:
        task = bar.add_task(what_zh, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def stop(text: str, *, code: int = 2) -> NoReturn:
    """End the command: it could not be carried out."""
    notes().print(text, style="red", markup=False)
    raise typer.Exit(code)


def kept(data: Path | None, *, command: str) -> DataDir:
    """The data directory a command was given. Ends the command if it is none."""
    if data is None:
        stop(
            f"需要数据目录:./yrd {command} --data DIR(或设置环境变量 YRD_DATA)。\n"
            "还没有?先运行 ./yrd demo --keep DIR。"
        )
    place = DataDir(data)
    if not place.settings.is_file():
        stop(f"{data} 不是数据目录(没有 yrd.toml)。先运行 ./yrd demo --keep {data},或换一个目录。")
    return place


def follow_stdin() -> None:
    """End this process, in order, once its standard input ends: its parent is gone."""

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 4096):
            continue
        os.kill(os.getpid(), SIGTERM)

    threading.Thread(target=watch, daemon=True, name="follow-stdin").start()
