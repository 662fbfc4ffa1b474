"""./yrd test: runs pytest from the project's root, optionally as a named campaign.

A campaign is a Hypothesis profile of tests/conftest.py: fewer examples, more, or fresh ones; but
`unknown` is many seeds of the simulation. Everything else goes to pytest as it is.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
CAMPAIGNS = ("quick", "ci", "long")
UNKNOWN = "unknown"
"""The simulation's ten thousand seeds: a program of its own, on every core."""

EPILOG = """\
examples:
  ./yrd test                                  everything, as CI runs it
  ./yrd test tests/unit -x                    the pure tests, stop at the first failure
  ./yrd test tests/integration -k lost_reply
  ./yrd test --campaign long tests/properties ten times as many examples, and fresh ones
  ./yrd test --campaign unknown               10,000 seeds of the simulation (--seeds, --jobs)
"""


def main() -> int:
    """Hand over to pytest; its exit code is ours (5, no test ran, is a failure too)."""
    parser = argparse.ArgumentParser(
        prog="yrd test",
        description="Run the tests. Arguments that are not listed here go to pytest.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--campaign",
        choices=(*CAMPAIGNS, UNKNOWN),
        default="ci",
        help="how many examples the property tests try, and whether they are the same each time",
    )
    chosen, for_pytest = parser.parse_known_args()
    if chosen.campaign == UNKNOWN:
        command = [sys.executable, "-P", "-m", "tests.simulation.campaign", *for_pytest]
        return subprocess.run(command, cwd=HOME).returncode
    os.environ["YRD_TEST_CAMPAIGN"] = chosen.campaign
    caller = Path.cwd()
    as_given = [_from_home(argument, caller) for argument in for_pytest]
    command = [sys.executable, "-m", "pytest", *as_given]
    return subprocess.run(command, cwd=HOME).returncode


def _from_home(argument: str, caller: Path) -> str:
    """A path the caller typed relative to where they stand, as an absolute one."""
    path, separator, test = argument.partition("::")
    if argument.startswith("-") or not (caller / path).exists():
        return argument
    return f"{(caller / path).resolve()}{separator}{test}"


if __name__ == "__main__":
    sys.exit(main())
