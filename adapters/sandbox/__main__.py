"""`python -m adapters.sandbox PROVINCE --port … --state DIR --fault …`: one platform by itself."""

from __future__ import annotations

import argparse
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from adapters.sandbox.command import run
from adapters.sandbox.context import Rules
from adapters.sandbox.exchanges import NEWEST_KEPT
from adapters.sandbox.provinces import PROVINCES

_POLICIES = Path(__file__).parents[2] / "gateway" / "policies"


def _now() -> datetime:
    # This process is the region's own world: it may not import gateway.clock, and nothing else
    # here reads the time.
    return datetime.now(UTC)  # noqa: TID251


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m adapters.sandbox",
        description="A stand-in regional platform. Synthetic people only; never in production.",
    )
    parser.add_argument("province", choices=sorted(PROVINCES))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port (printed)")
    parser.add_argument("--state", type=Path, required=True, metavar="DIR")
    parser.add_argument("--policies", type=Path, default=_POLICIES, metavar="DIR")
    parser.add_argument(
        "--secrets",
        type=Path,
        required=True,
        metavar="FILE",
        help='TOML: access_key = "…" and secret = "…"',
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME[=VALUE][@INFNO][#COUNT]",
        help="e.g. lose-reply=0.1,delay=0.5s@2207; may be repeated",
    )
    parser.add_argument(
        "--seed",
        type=Path,
        metavar="DIR",
        help="people and books of one's own for an empty state (seed/README.md)",
    )
    parser.add_argument(
        "--messages", type=int, default=NEWEST_KEPT, help="how many the inspector keeps; 0 none"
    )
    parser.add_argument("--unknown-reversal", choices=("accept", "refuse"), default="accept")
    parser.add_argument("--late-original", choices=("accept", "refuse"), default="refuse")
    parser.add_argument(
        "--witness-log",
        action="append",
        default=[],
        metavar="VKEY",
        help="public key of a log whose checkpoints this platform cosigns; may be repeated",
    )
    return parser.parse_args()


def main() -> None:
    given = _arguments()
    secrets = tomllib.loads(given.secrets.read_text(encoding="utf-8"))
    previous = secrets.pop("previous", None)
    run(
        province=given.province,
        host=given.host,
        port=given.port,
        state_dir=given.state,
        policies_dir=given.policies,
        clock=_now,
        faults=given.fault,
        secrets=secrets,
        previous=previous,
        seed_dir=given.seed,
        keep_exchanges=given.messages,
        rules=Rules(unknown_reversal=given.unknown_reversal, late_original=given.late_original),
        witness_logs=given.witness_log,
    )


if __name__ == "__main__":
    main()
