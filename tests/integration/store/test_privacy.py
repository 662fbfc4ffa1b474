"""Nothing personal is in the files: not in the database, not in its log, not in its lock."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.ports import Books, Exchange, Opening
from tests.integration.store.house import HOSPITAL, ID_NUMBER, NAME, NOON, Intent, opened, prepare

pytestmark = pytest.mark.sqlite


PERSONAL = {
    "identity number": ID_NUMBER,
    "name": NAME,
    "number at the region": "33040000000012345678",
    "visit number": "V-r-1",
    "batch number": "B-r-1",
    "diagnosis": "J18.900",
    "amount in a body": "123.45",
    "masked number": "003*************82",
    "item bought": "示例甲类片剂",
}


async def test_no_personal_value_is_found_in_any_byte_of_the_files(tmp_path: Path) -> None:
    prepare(tmp_path)
    raw = "|".join(PERSONAL.values()).encode()
    async with opened(tmp_path) as house:
        made = await house.store.write(Intent("r-1"))

        def more(books: Books) -> None:
            exchange = Exchange("2207", raw, raw)
            books.record_exchange(made.pivot_msgid or "m", made.subject_ref, "answered", exchange)
            opening = Opening(made.subject_ref, raw)
            books.append_evidence("ent_x", leaf_type="claim.unknown", opening=opening, at=NOON)

        await house.store.write(more)
        await house.log.publish()
        files = {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()}
        again = await house.store.read(lambda r: r.claim_by_request(HOSPITAL, "r-1"))
    assert again is not None and again.id_number == ID_NUMBER  # it was there to be found
    assert any(f.name == "yrd.db-wal" and data for f, data in files.items())
    for what, value in PERSONAL.items():
        spellings = [value.encode(), value.encode("utf-16-le"), value.encode("gb18030")]
        found = [f.name for f, data in files.items() if any(s in data for s in spellings)]
        assert not found, f"{what} lies open in {found}"
