"""A code that decides where money is posted and that nobody understands: a person looks, and the
claim goes on once the profile has learnt it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import pytest

from adapters.sandbox.server import Sandbox
from gateway.bootstrap import Gateway
from gateway.config import Settings, load_settings
from gateway.demo.layout import DataDir, create_data_dir
from gateway.ids import SystemIds
from gateway.store.dictionaries import unknown_codes
from gateway.store.engine import read_engine
from gateway.store.migrate import migrate_database
from gateway.telemetry import configure
from tests.integration.house.command import yrd
from tests.integration.system.test_settlement import eventually, settle, state_name
from tests.integration.system.world import World, jiashan_outpatient, now, start_sandboxes

pytestmark = pytest.mark.timeout(120)


def without_outpatient_clearing(path: Path) -> Path:
    """A site's own dictionary section, which does not know 清算类别 11."""
    shipped = files("adapters.zhejiang").joinpath("profile.toml").read_text("utf-8")
    section = shipped[shipped.index("[[dictionary]]") : shipped.index("[[aliases]]")]
    ours = section.replace('clearing_types = ["11", ', "clearing_types = [")
    assert ours != section
    path.write_text(f'province = "33"\n\n{ours}', encoding="utf-8")
    return path


@asynccontextmanager
async def serving(
    place: DataDir, settings: Settings, sandboxes: dict[str, Sandbox]
) -> AsyncIterator[World]:
    """One life of the gateway over these platforms and this data."""
    with (place.logs / "gateway.jsonl").open("a", encoding="utf-8") as stream:
        gateway = Gateway(settings, logger=configure(now=now, stream=stream))
        world = World(place, settings, sandboxes, gateway, await gateway.start())
        try:
            yield world
        finally:
            for channel in world.channels:
                await channel.close()
            await gateway.stop()
            configure(now=now)


async def test_an_unknown_clearing_type_is_looked_at_and_settles_once_it_is_understood(
    tmp_path: Path,
) -> None:
    place = create_data_dir(tmp_path / "data", now=now(), random=SystemIds().salt)
    alone = {"listen": "127.0.0.1:0", "witnesses": {}, "quorum": 0}
    settings = load_settings(place.settings).model_copy(update=alone)
    migrate_database(settings.database)
    sandboxes, settings = await start_sandboxes(place, settings)
    own = without_outpatient_clearing(tmp_path / "zhejiang.toml")
    zhejiang = settings.regions["33"].model_copy(update={"profile_file": own})
    poorer = settings.model_copy(update={"regions": {**settings.regions, "33": zhejiang}})
    try:
        async with serving(place, poorer, sandboxes) as world:
            claim = await settle(world, jiashan_outpatient("req-unknown-code-1"))
        assert state_name(claim) == "REVIEW"
        assert [e.kind for e in claim.entries] == ["pending"]
        assert "UNKNOWN_CODE clr_type=11" in claim.findings
        refuse_unlisted(place, settings, claim.claim_id)
        async with serving(place, settings, sandboxes) as world:
            where = ("--target", f"localhost:{world.port}", "--tls", place.tls)
            words = ("read-again", claim.claim_id, "--reason", "清算类别 11 已补入配置档")
            code, said = await asyncio.to_thread(yrd, "claims", *words, *where)
            assert code == 0, said
            settled = await eventually(world, claim.claim_id, "SETTLED")
        assert [e.kind for e in settled.entries] == ["pending", "posted"]
        assert settled.settled.total_fen == 81_564
        assert not [f for f in settled.findings if "clr_type" in f]
        assert sandboxes["zhejiang"].state()["effective_settlements"] == 1
    finally:
        for sandbox in sandboxes.values():
            await sandbox.stop()


def refuse_unlisted(place: DataDir, settings: Settings, claim_id: str) -> None:
    """The code stands in the log and in the operator's list, with its claim."""
    log = (place.logs / "gateway.jsonl").read_text(encoding="utf-8")
    assert '"error_code":"11"' in log and '"event":"unknown_code"' in log
    engine = read_engine(settings.database)
    with engine.connect() as connection:
        found = unknown_codes(connection)
    engine.dispose()
    assert [(one.province, one.field, one.code, one.count, one.claim_id) for one in found] == [
        ("33", "clr_type", "11", 1, claim_id)
    ]
    # The shipped profile knows it: nobody has anything left to find out.
    code, said = yrd("dictionary", "unknown", "--data", place.root, "--json")
    assert (code, json.loads(said)) == (0, [])
