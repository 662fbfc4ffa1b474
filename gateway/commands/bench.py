"""`yrd bench`: run one bench of bench/, which lies in a checkout and is not deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from gateway.commands.terminal import notes, output, stop

if TYPE_CHECKING:
    from bench.registry import Bench, Form


def run(*, name: str, quick: bool, full: bool, as_json: bool) -> None:
    """Measure and show; without a name, say which benches there are."""
    try:
        from bench.registry import BENCHES, Form
    except ModuleNotFoundError:
        stop("bench/ is not part of a deployment: run ./yrd bench in a checkout of the sources")
    bench = BENCHES.get(name)
    if bench is None:
        names = "\n".join(f"  {known}  {b.summary}" for known, b in sorted(BENCHES.items()))
        stop(f"which bench?\n{names}" if not name else f"no bench {name}; there are\n{names}")
    if quick and full:
        stop("--quick or --full, not both")
    _run(bench, Form.QUICK if quick else Form.FULL if full else Form.PLAIN, as_json=as_json)


def _run(bench: Bench, form: Form, *, as_json: bool) -> None:
    from bench.child import ChildFailed

    console = notes()
    try:
        report = bench.measure(form, lambda line: console.print(line, style="dim", markup=False))
    except ChildFailed as failed:
        stop(str(failed))
    if as_json:
        print(orjson.dumps(report).decode())
        return
    for part in bench.show(report):
        output().print(part, markup=False) if isinstance(part, str) else output().print(part)
