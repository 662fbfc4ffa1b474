"""1901 against each stand-in: what a region has is enough for all that we send and read."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from adapters.baseline.dictionary import USED
from adapters.baseline.dictionary_check import CodesOn, understood
from adapters.national_client import NationalClient
from adapters.registry import PROVINCES
from gateway.domain.bill import VisitKind
from gateway.domain.dictionary import CodeSince, CodeTable, Standing
from gateway.ports import CancelOrder, Declined
from tests.integration.conformance.world import HOMES, NOW, World, accepted, world

TODAY = NOW.date()
pytestmark = pytest.mark.parametrize(
    "province", [name for name, _ in PROVINCES.values() if name in HOMES]
)


async def loaded(w: World) -> CodeTable:
    """Every dictionary that we use, as the platform tells it."""
    rows = [
        row for kind in USED for row in accepted(await w.client.dictionary(w.ctx(), kind, TODAY))
    ]
    return CodeTable(CodeSince(row, TODAY) for row in rows)


def speaking_by(client: object, table: CodeTable) -> NationalClient:
    """The same client, its codec knowing what the region told."""
    if not isinstance(client, NationalClient):
        raise TypeError(client)
    plain = client.codec_at(NOW)
    speak = type(plain)(plain.profile, plain.scheme, CodesOn(table, TODAY), cipher=plain.cipher)
    return client.reading_with(lambda _: speak)


@pytest.mark.parametrize("kind", [VisitKind.OUTPATIENT, VisitKind.INPATIENT])
async def test_with_its_dictionaries_loaded_a_visit_is_settled_and_no_code_is_unknown(
    province: str, kind: VisitKind, tmp_path: Path
) -> None:
    async with world(province, tmp_path) as w:
        w.client = speaking_by(w.client, await loaded(w))
        att, settled = await w.settled(kind)
        assert settled.broken == settled.unknown_codes == ()
        order = CancelOrder(kind, att.person.person_no, settled.visit_id, settled.settlement_id)
        assert accepted(await w.client.cancel(w.ctx(), order)).unknown_codes == ()


async def test_what_the_profile_sends_exists_there(province: str, tmp_path: Path) -> None:
    async with world(province, tmp_path) as w:
        table = await loaded(w)
        words = speaking_by(w.client, table).codec_at(NOW).profile.dictionary
        ours = understood(words)
        sent = ("insutype", "med_type", "mdtrt_cert_type", "psn_cert_type", "diag_type", "dscg_way")
        for kind in (*sent, "psn_setlway", "psn_type"):
            assert {
                code
                for code in ours[kind]
                if table.standing(kind, code, TODAY) is not Standing.VALID
            } == set(), kind


async def test_another_day_has_its_own_codes_and_an_unknown_dictionary_is_refused(
    province: str, tmp_path: Path
) -> None:
    async with world(province, tmp_path) as w:
        before_all = await w.client.dictionary(w.ctx(), "clr_type", date(2019, 12, 31))
        assert accepted(before_all) == ()
        assert isinstance(await w.client.dictionary(w.ctx(), "dept", TODAY), Declined)
