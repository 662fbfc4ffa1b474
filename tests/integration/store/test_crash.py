"""kill -9 in the middle of the writing: what was acknowledged is there, and the books agree."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from gateway.ports import BooksReader
from gateway.store.verify_store import verify_store
from tests.architecture.sources import HOME
from tests.integration.store.house import opened, options, prepare

ACKNOWLEDGED = (1, 120, 400)
"""After how many acknowledgements each round's process is killed."""


def acknowledged_before_death(directory: Path, prefix: str, count: int) -> list[tuple[str, str]]:
    """(claim id, msgid) of everything a writing process acknowledged before it was killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.store.crash_writer", str(directory), prefix],
        cwd=HOME,
        env=os.environ | {"PYTHONPATH": f"{HOME}:{HOME / 'protos'}"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    lines: list[bytes] = []
    try:
        while len([line for line in lines if line.startswith(b"clm_")]) < count:
            line = process.stdout.readline()
            assert line, "the writer ended by itself"
            lines.append(line)
    finally:
        process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate(timeout=20)
    lines += rest.splitlines(keepends=True)
    whole = [line.decode() for line in lines if line.startswith(b"clm_") and line.endswith(b"\n")]
    return [(words[0], words[1]) for words in (line.split() for line in whole)]


def first_msgids(kept: list[tuple[str, str]], reader: BooksReader) -> list[str]:
    """Of each claim that was acknowledged, the msgid on record; "lost" where there is none."""
    claims = [reader.claim(claim_id) for claim_id, _ in kept]
    return ["lost" if claim is None else claim.messages[0].msgid for claim in claims]


@pytest.mark.timeout(120)
async def test_nothing_acknowledged_is_lost_and_nothing_is_doubled(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    here = options(tmp_path)
    kept: list[tuple[str, str]] = []
    for round_no, count in enumerate(ACKNOWLEDGED):
        kept += acknowledged_before_death(tmp_path, f"round-{round_no}", count)
        async with opened(tmp_path) as house:
            assert await house.store.read(partial(first_msgids, kept)) == [m for _, m in kept]
            await house.log.publish()
        found = verify_store(here.database, here.keys_dir, vkey, production=False)
        assert found.ledger.problems == () and found.state.problems == ()
    assert len({msgid for _, msgid in kept}) == len(kept) >= sum(ACKNOWLEDGED)
