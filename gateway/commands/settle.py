"""`yrd settle`: a hospital's files, settled; bad ones are reported and the others go on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gateway.commands.connection import Where, reach
from gateway.commands.settle_files import FileResult, Settler
from gateway.commands.settle_report import as_document, as_row, print_list, print_result, summary
from gateway.commands.terminal import notes, output, stop
from gateway.counter.result_csv import to_csv

__all__ = ["Where", "run"]

AT_ONCE = 8
"""Files under way at a time; a counter is one of many callers."""
SHOWN_WHOLE = 5
"""Up to this many files are shown each with its bill; more become a list."""


def run(
    *, files: list[Path], directory: Path | None, where: Where, out: Path | None, as_json: bool
) -> None:
    """Settle; exit code 0 only if every file was settled."""
    chosen = _choose(files, directory)
    if out is None and directory is not None:
        out = directory / "results.csv"
    if out is not None:
        _refuse_unwritable(out)
    console = notes()
    settler = Settler()
    results = [settler.read(path) for path in chosen]
    readable = [r for r in results if r.hospital is not None]
    if readable:
        with (
            reach(where, lambda text: console.print(text, style="dim")) as gateway,
            settler.connect(gateway),
            _progress(len(readable)) as step,
        ):
            _settle_all(settler, readable, step)
    if as_json:
        json.dump([as_document(r) for r in results], sys.stdout, ensure_ascii=False, indent=1)
        print(flush=True)
    elif len(results) <= SHOWN_WHOLE and directory is None:
        for result in results:
            print_result(output(), console, result)
    else:
        print_list(output(), console, results)
    if out is not None:
        out.write_bytes(to_csv(as_row(result) for result in results))
        console.print(f"结果表:{out}", markup=False)
    console.print(summary(results))
    raise typer.Exit(0 if all(r.settled for r in results) else 1)


def _choose(files: list[Path], directory: Path | None) -> list[Path]:
    """The files, each once, in order. Ends the command if there is none."""
    chosen = list(files)
    if directory is not None:
        if not directory.is_dir():
            stop(f"{directory} 不是目录。")
        found = sorted(directory.glob("*.json"))
        if not found:
            stop(f"{directory} 中没有 *.json 文件。")
        chosen += found
    if not chosen:
        stop("请给出医院文件,如:./yrd settle examples/01-*.json;或 --dir DIR。")
    missing = [str(path) for path in chosen if not path.is_file()]
    if missing:
        stop(f"找不到文件:{'、'.join(missing)}")
    return list(dict.fromkeys(chosen))


def _refuse_unwritable(out: Path) -> None:
    """A result table that cannot be kept is found out before anything is settled."""
    try:
        with out.open("ab"):
            pass
    except OSError as error:
        stop(f"结果表 {out} 无法写入({error.strerror}),未提交任何文件;请用 --out 另选。")


def _settle_all(settler: Settler, results: list[FileResult], step: Callable[[], None]) -> None:
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="settle") as pool:
        for _ in pool.map(settler.settle, results):
            step()


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on standard error for more than a few files."""
    columns = (
        TextColumn("结算"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=notes(), disable=total <= 1, transient=True) as bar:
        task = bar.add_task("settle", total=total)
        yield lambda: bar.advance(task)
