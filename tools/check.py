"""./yrd check: everything that can be said about the sources without running the system.

All steps run, two at a time, whatever fails: one run teaches everything there is to mend. Each
prints one line with its time; what a failed step said follows at the end.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tools import protos

HOME = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to check: its name, what it holds, and how; `run` returns (ok, what was said)."""

    name: str
    holds: str
    run: Callable[[], tuple[bool, str]]


def command(*words: str) -> Callable[[], tuple[bool, str]]:
    """A step that is one of the tools beside this Python."""

    def run() -> tuple[bool, str]:
        done = subprocess.run(
            [BIN / words[0], *words[1:]], cwd=HOME, capture_output=True, text=True
        )
        return done.returncode == 0, done.stdout + done.stderr

    return run


def protos_lint() -> tuple[bool, str]:
    """Buf's STANDARD and COMMENTS rules."""
    if not protos.proto_files():
        return True, "no protos yet"
    return protos.buf("lint")


def protos_breaking() -> tuple[bool, str]:
    """The API still serves whoever was promised the baseline."""
    if not protos.BASELINE.exists():
        return True, "no API is promised yet (./yrd generate --promise)"
    ok, said = protos.buf("breaking", "--against", str(protos.BASELINE))
    advice = (
        "callers rely on this; if it is meant, say so in CHANGELOG.md and ./yrd generate --promise"
    )
    return ok, said if ok else f"{said}{advice}"


def stubs_fresh() -> tuple[bool, str]:
    """The committed stubs are what the protos compile to."""
    if not protos.proto_files():
        return True, "no protos yet"
    with tempfile.TemporaryDirectory() as folder:
        ok, said = protos.buf("generate", "-o", folder)
        found = protos.stale(protos.ROOT, Path(folder, "protos")) if ok else [said]
    advice = ["run ./yrd generate and commit what it writes"] if found else []
    return not found, "\n".join(found + advice)


STEPS = (
    Step("types", "mypy --strict", command("mypy")),
    Step("format", "ruff format", command("ruff", "format", "--check", "--diff", "--quiet")),
    Step("lint", "ruff check", command("ruff", "check", "--quiet")),
    Step("imports", "who may import whom", command("lint-imports", "--no-cache", "--no-logo")),
    Step("protos", "buf lint", protos_lint),
    Step("promise", "buf breaking", protos_breaking),
    Step("stubs", "generated files are fresh", stubs_fresh),
    Step("links", "documents' links", command("python", "-m", "tools.links")),
)


def run_timed(step: Step) -> tuple[Step, bool, str]:
    """Run a step and print its line as soon as it is known."""
    began = time.monotonic()
    ok, said = step.run()
    took = time.monotonic() - began
    print(f"{'ok  ' if ok else 'FAIL'}  {step.name:<8} {took:5.1f} s  {step.holds}", flush=True)
    return step, ok, said


def fix() -> None:
    """Let ruff mend what it can before the check."""
    subprocess.run([BIN / "ruff", "check", "--fix", "--quiet"], cwd=HOME)
    subprocess.run([BIN / "ruff", "format", "--quiet"], cwd=HOME)


def main() -> int:
    """Run the chosen steps; 0 only if every one of them held."""
    parser = argparse.ArgumentParser(
        prog="yrd check",
        description="Check the sources: " + ", ".join(f"{s.name} ({s.holds})" for s in STEPS) + ".",
    )
    names = [step.name for step in STEPS]
    parser.add_argument("steps", nargs="*", metavar="STEP", help="only these steps; default: all")
    parser.add_argument("--fix", action="store_true", help="first mend what ruff can mend")
    chosen = parser.parse_args()
    unknown = set(chosen.steps) - set(names)
    if unknown:
        parser.error(f"no step {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if chosen.fix:
        fix()
    wanted = [step for step in STEPS if not chosen.steps or step.name in chosen.steps]
    with ThreadPoolExecutor(max_workers=2) as pool:
        done = list(pool.map(run_timed, wanted))
    failed = [(step, said) for step, ok, said in done if not ok]
    for step, said in failed:
        print(f"\n--- {step.name}: {step.holds} ---\n{said.strip()}")
    print(f"\n{len(done) - len(failed)} of {len(done)} checks hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
