"""A code that decides where money is posted and that nobody understands: a person looks."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from gateway.store.dictionaries import unknown_codes
from gateway.store.engine import read_engine
from tests.integration.system.test_settlement import settle, state_name
from tests.integration.system.world import jiashan_outpatient, running

pytestmark = pytest.mark.timeout(120)


def without_outpatient_clearing(path: Path) -> Path:
    """A site's own dictionary section, which does not know 清算类别 11."""
    shipped = files("adapters.zhejiang").joinpath("profile.toml").read_text("utf-8")
    section = shipped[shipped.index("[[dictionary]]") : shipped.index("[[aliases]]")]
    ours = section.replace('clearing_types = ["11", ', "clearing_types = [")
    assert ours != section
    path.write_text(f'province = "33"\n\n{ours}', encoding="utf-8")
    return path


async def test_an_unknown_clearing_type_is_looked_at_and_never_posted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = without_outpatient_clearing(tmp_path / "zhejiang.toml")
    monkeypatch.setenv("YRD_REGIONS__33__PROFILE_FILE", str(own))
    async with running(tmp_path / "data") as world:
        claim = await settle(world, jiashan_outpatient("req-unknown-code-1"))
        database = world.settings.database
        log = (world.place.logs / "gateway.jsonl").read_text(encoding="utf-8")
    assert state_name(claim) == "REVIEW"
    assert [e.kind for e in claim.entries] == ["pending"]
    assert "UNKNOWN_CODE clr_type=11" in claim.findings
    assert claim.settled.total_fen == 81_564
    assert '"error_code":"11"' in log and '"event":"unknown_code"' in log
    engine = read_engine(database)
    with engine.connect() as connection:
        found = unknown_codes(connection)
    engine.dispose()
    assert [(one.province, one.field, one.code, one.count, one.claim_id) for one in found] == [
        ("33", "clr_type", "11", 1, claim.claim_id)
    ]
