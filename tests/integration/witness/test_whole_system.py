"""A settlement in the whole system: cosigned by three platforms, exported, and checked by others.

The checkers: tlog-scales (not ours), gateway/demo/stranger.py (from the formats' text alone),
and `yrd verify-receipt` with a policy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adapters.sandbox import Sandbox
from gateway.bootstrap import Gateway
from gateway.config import Settings, WitnessSettings, load_settings, witness_policy
from gateway.demo.layout import PROVINCES, DataDir, create_data_dir
from gateway.demo.stranger import Mirror
from gateway.ids import SystemIds
from gateway.policy_files import POLICY_DIR
from gateway.store.migrate import migrate_database
from gateway.telemetry import configure
from ledger.checkpoint import NoteVerifier, open_checkpoint
from ledger.cosignature import CosignatureVerifier, Cosigner, cosignatures
from ledger.policy import KeyDates
from tests.architecture.sources import HOME
from tests.integration.system.world import QINGPU, World, jiashan_outpatient, now
from tests.integration.witness.strangers import check_by_tlog_scales
from yrd.audit.v1 import audit_pb2


@dataclass
class Watched:
    """The running system, its log's key and its witnesses' keys."""

    world: World
    vkey: str
    witnesses: list[str]


@asynccontextmanager
async def watched(root: Path) -> AsyncIterator[Watched]:
    place = create_data_dir(root, now=now(), random=SystemIds().salt)
    settings = load_settings(place.settings)
    migrate_database(settings.database)
    vkey = place.vkey.read_text(encoding="ascii").strip()
    async with AsyncExitStack() as stack:
        sandboxes, regions, witnesses = {}, dict(settings.regions), {}
        for code, name in PROVINCES.items():
            secrets = tomllib.loads(place.platform_secrets(name).read_text(encoding="utf-8"))
            sandbox = sandboxes[name] = Sandbox(
                province=name,
                state_dir=place.sandbox,
                policies_dir=POLICY_DIR,
                secrets=secrets,
                clock=now,
                witness_logs=[vkey],
            )
            url = await sandbox.start()
            stack.push_async_callback(sandbox.stop)
            assert sandbox.witness is not None
            regions[code] = regions[code].model_copy(update={"base_url": url})
            witnesses[name] = WitnessSettings.model_validate(
                {"url": f"{url}/witness", "vkey": sandbox.witness.vkey}
            )
        settings = settings.model_copy(
            update={
                "listen": "127.0.0.1:0", "regions": regions, "witnesses": witnesses, "quorum": 2,
            }
        )  # fmt: skip
        stream = stack.enter_context((place.logs / "gateway.jsonl").open("a", encoding="utf-8"))
        gateway = Gateway(settings, logger=configure(now=now, stream=stream))
        world = World(place, settings, sandboxes, gateway, await gateway.start())
        try:
            yield Watched(world, vkey, [w.vkey for w in witnesses.values()])
        finally:
            for channel in world.channels:
                await channel.close()
            await gateway.stop()
            configure(now=now)


def yrd(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command line, as a person runs it."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "gateway", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": f"{HOME}{os.pathsep}{HOME / 'protos'}"},
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip


async def test_a_settlement_is_cosigned_exported_and_checked_by_others(tmp_path: Path) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    async with watched(data) as system:
        world = system.world
        answer = await world.claims(QINGPU).SettleClaim(
            jiashan_outpatient("witnessed-request-0001"), timeout=20
        )
        request = audit_pb2.GetReceiptRequest(
            claim_id=answer.claim.claim_id, wait_for_checkpoint=True
        )
        receipt = (await world.audit(QINGPU).GetReceipt(request, timeout=20)).receipt
        head = await world.audit("auditor").GetCheckpoint(
            audit_pb2.GetCheckpointRequest(), timeout=20
        )
        open_checkpoint(head.note, NoteVerifier.from_vkey(system.vkey))
    note = json.loads(receipt)["checkpoint"]
    keys = [CosignatureVerifier.from_vkey(vkey) for vkey in system.witnesses]
    assert len(cosignatures(note, keys)) >= 2, "a waiting caller gets a witnessed receipt"

    # What the gateway left beside its database when it ended.
    Mirror(data / "log", data / "log-entries", system.vkey).check(witnesses=tuple(system.witnesses))
    size = check_by_tlog_scales(
        data / "log", system.vkey, system.witnesses, entries=data / "log-entries"
    )
    assert size >= 2
    (tmp_path / "receipt.json").write_bytes(receipt)
    check_the_commands(tmp_path, data, out, system, size)


def check_the_commands(tmp_path: Path, data: Path, out: Path, system: Watched, size: int) -> None:
    exported = yrd("export-log", "--data", data, "--out", out, "--json")
    assert exported.returncode == 0, exported.stderr
    assert json.loads(exported.stdout)["tree_size"] == size
    assert not (out / "tile" / "entries").exists()
    vkey = (out / "vkey").read_text(encoding="ascii").strip()
    assert check_by_tlog_scales(out, vkey, system.witnesses) == size

    trust = [word for key in system.witnesses for word in ("--witness", key)]
    held = yrd(
        "verify-receipt", tmp_path / "receipt.json", "--key", out / "vkey", *trust,
        "--quorum", "2", "--proofs", tmp_path / "proofs", "--json",
    )  # fmt: skip
    assert held.returncode == 0, held.stdout + held.stderr
    assert len(json.loads(held.stdout)[0]["witnesses"]) >= 2
    proof = tmp_path / "proofs" / "receipt.tlog-proof"
    assert yrd("verify-receipt", proof, "--key", vkey, *trust, "--quorum", "2").returncode == 0

    stranger = "stranger.test/w+8d9a3b9d+BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    assert yrd("verify-receipt", proof, "--key", vkey, "--witness", stranger).returncode != 0
    late = yrd("verify-receipt", proof, "--key", vkey, "--key-until", "2020-12-31", "--json")
    assert late.returncode == 1 and json.loads(late.stdout)[0]["step"] == "KEY_DATE"


async def test_an_export_goes_on_where_it_was_and_refuses_other_directories(
    tmp_path: Path,
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    async with watched(data) as system:
        await system.world.claims(QINGPU).SettleClaim(
            jiashan_outpatient("witnessed-request-0001"), timeout=20
        )
    first = yrd("export-log", "--data", data, "--out", out, "--entries")
    assert first.returncode == 0 and "请勿公开提供" in first.stdout
    check_by_tlog_scales(out, system.vkey, system.witnesses, entries=out)
    again = yrd("export-log", "--data", data, "--out", out, "--json")
    assert again.returncode == 0 and json.loads(again.stdout)["files"] == 0
    refused = yrd("export-log", "--data", data, "--out", data)
    assert refused.returncode != 0 and "另选目录" in refused.stderr


def settings_of(place: DataDir, **changes: object) -> Settings:
    """The settings of this directory with some changed; raises what says why they are refused."""
    values = tomllib.loads(place.settings.read_text(encoding="utf-8"))
    return Settings(**(values | changes))


def test_a_quorum_that_cannot_be_had_is_refused_in_the_settings(tmp_path: Path) -> None:
    place = create_data_dir(tmp_path / "data", now=now(), random=SystemIds().salt)
    with pytest.raises(ValueError, match="quorum of 1 is not to be had of 0"):
        settings_of(place, witnesses={}, quorum=1)


def test_a_witness_without_a_key_is_refused_by_name(tmp_path: Path) -> None:
    place = create_data_dir(tmp_path / "data", now=now(), random=SystemIds().salt)
    nobody = {"url": "http://127.0.0.1:1", "vkey": "nonsense"}
    with pytest.raises(ValueError, match=r"witnesses\.a\.vkey"):
        settings_of(place, witnesses={"a": nobody}, quorum=0)


def test_the_days_of_a_key_are_days_in_shanghai(tmp_path: Path) -> None:
    place = create_data_dir(tmp_path / "data", now=now(), random=SystemIds().salt)
    key = Cosigner.from_seed("w.test", bytes(32)).vkey
    given = {"url": "http://127.0.0.1:1", "vkey": key, "valid_from": date(2026, 1, 1)}
    given["valid_until"] = date(2026, 12, 31)
    (witness,) = witness_policy(settings_of(place, witnesses={"w": given}, quorum=1)).witnesses
    first = datetime(2025, 12, 31, 16, tzinfo=UTC)
    last = datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)
    assert witness.dates == KeyDates(int(first.timestamp()), int(last.timestamp()))
