"""Appending does not look through what was appended before, however long the session lasts."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from bench.ledger_requests import claims
from bench.ledger_writer import draft_of
from gateway.ids import SystemIds
from gateway.store.engine import read_engine
from ledger.reads import to_us
from tests.integration.store.house import NOON, opened, prepare
from tests.postgres.kinds import database_below

CLAIMS = 200
_READ = "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = 'ledger_entry'"


@pytest.mark.postgresql
async def test_resolving_an_entry_reads_no_other_entries_that_were_resolved(tmp_path: Path) -> None:
    """A plan made while the tables are small is kept by its session: it must be good for ever."""
    prepare(tmp_path)
    made, ids = claims(), SystemIds()
    async with opened(tmp_path) as store:
        for _ in range(CLAIMS):
            for request in next(made):
                await store.appends.append(draft_of(request, to_us(NOON), ids.salt()))
    # Sessions tell what they have read when they end, at the latest.
    engine = read_engine(database_below(tmp_path))
    with engine.begin() as connection:
        read = connection.execute(text(_READ)).scalar_one()
    engine.dispose()
    assert 0 < read < 10 * CLAIMS
