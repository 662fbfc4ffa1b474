"""Cosignatures in the gateway's database: kept once, counted, and shown with their checkpoint."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from gateway.demo.stranger import Mirror
from gateway.store.cosigned_log import CosignedLog
from gateway.store.open_store import OpenStore
from gateway.store.tile_mirror import TileMirror
from gateway.store.verify_store import verify_store
from ledger.cosignature import MLDSA44, Cosignature, Cosigner, cosignatures, read_answer
from ledger.note import split_note
from tests.integration.store.house import Intent, StandingClock, opened, options, prepare

WITNESSES = [Cosigner.from_seed(n, sha256(n.encode()).digest()) for n in ("a.test", "b.test")]


def log_of(house: OpenStore) -> CosignedLog:
    return CosignedLog(
        log=house.log,
        writer=house.store.writer,
        snapshots=house.store.snapshots,
        clock=StandingClock(),
        witnesses=[witness.vkey for witness in WITNESSES],
        quorum=2,
    )


async def cosign(log: CosignedLog, witness: Cosigner) -> tuple[Cosignature, ...]:
    newest = await log.checkpoint()
    assert newest is not None
    line = witness.cosign(split_note(newest.note)[0], 1_763_958_000)
    return read_answer(newest.note, line, witness.verifier)


async def test_a_checkpoint_is_witnessed_once_the_quorum_has_signed(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        log = log_of(house)
        mirror = TileMirror(
            house.store.snapshots.engine,
            tmp_path / "log",
            entries=tmp_path / "log-entries",
            witnesses=[witness.vkey for witness in WITNESSES],
            quorum=2,
        )
        for number, witness in enumerate(WITNESSES):
            await house.store.write(Intent(f"r-{number}"))
            await house.log.publish()
            given = await cosign(log, witness)
            assert await log.add_cosignatures(number + 1, given) == 1
            assert await log.add_cosignatures(number + 1, given) == 0
        assert await log.last_cosigned(WITNESSES[0].vkey) == 1
        assert await mirror() == 0
        before = await log.covering(0)
        assert before is not None and (before.tree_size, before.witnessed) == (1, False)
        assert await log.add_cosignatures(2, await cosign(log, WITNESSES[0])) == 1
        covering = await log.covering(0)
        assert covering is not None and (covering.tree_size, covering.witnessed) == (2, True)
        assert covering.note.count("\u2014 ") == 3
        assert await mirror() > 0
    Mirror(tmp_path / "log", tmp_path / "log-entries", vkey).check(
        witnesses=tuple(witness.vkey for witness in WITNESSES)
    )
    here = options(tmp_path)
    report = verify_store(here.database, here.keys_dir, vkey, production=False)
    assert report.ledger.problems == ()
    assert report.ledger.checked["cosignatures"] == 3


async def test_a_witness_may_sign_with_ml_dsa(tmp_path: Path) -> None:
    """Its key is long, and is kept whole on every database."""
    vkey = prepare(tmp_path)
    seed = sha256(b"pq").digest()
    witness = Cosigner.from_seed(f"pq.test/{'w' * 100}", seed, MLDSA44)
    async with opened(tmp_path) as house:
        log = log_of(house)
        await house.store.write(Intent("r-1"))
        await house.log.publish()
        assert await log.add_cosignatures(1, await cosign(log, witness)) == 1
        assert await log.last_cosigned(witness.vkey) == 1
        shown = await log.checkpoint()
        assert shown is not None
        assert [c.at for c in cosignatures(shown.note, [witness.verifier])] == [1_763_958_000]
    here = options(tmp_path)
    report = verify_store(here.database, here.keys_dir, vkey, production=False)
    assert report.ok and report.ledger.checked["cosignatures"] == 1
