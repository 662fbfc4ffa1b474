"""Our state against the ledger: clean after every life of a claim, and no seeded lie is missed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.claim import ClaimEvent
from gateway.store.engine import write_engine
from gateway.store.verify_store import StoreReport, verify_store
from tests.integration.store.house import Intent, opened, options, prepare, unguarded
from tests.integration.store.lives import all_lives, asked_to_reverse, lived


def report(directory: Path, vkey: str) -> StoreReport:
    """What verify says of the store below this directory."""

    def readable(answer: bytes) -> object:
        if not answer.startswith(b"clm_"):
            raise ValueError
        return answer

    here = options(directory)
    return verify_store(here.database, here.keys_dir, vkey, production=False, check_answer=readable)


async def test_every_life_of_a_claim_leaves_books_that_agree(tmp_path: Path) -> None:
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        lives = await all_lives(house)
        await house.log.publish()
        # Also while the store is open: verify reads beside the writer.
        found = report(tmp_path, vkey)
    assert found.ledger.problems == () and found.state.problems == ()
    assert found.ok
    assert found.state.checked["claims"] == len(lives)
    assert found.state.checked["openings"] == found.ledger.checked["leaves"]
    assert found.state.checked["exchanges"] > 0


ONE = "(SELECT min(claim_id) FROM claim)"
LIES = [
    (f"UPDATE claim SET state = 'REFUSED' WHERE claim_id = {ONE}", "CLAIM_COLUMN_DIFFERS"),
    (f"UPDATE claim SET version = 9 WHERE claim_id = {ONE}", "CLAIM_COLUMN_DIFFERS"),
    (f"UPDATE claim SET request_id = 'r-x' WHERE claim_id = {ONE}", "CLAIM_COLUMN_DIFFERS"),
    (f"UPDATE claim SET batch_index = x'00' WHERE claim_id = {ONE}", "CLAIM_COLUMN_DIFFERS"),
    (f"UPDATE claim SET created_us = 0 WHERE claim_id = {ONE}", "CLAIM_COLUMN_DIFFERS"),
    (f"UPDATE claim SET body = x'00' WHERE claim_id = {ONE}", "CLAIM_SEALED"),
    (f"UPDATE claim SET answer = body WHERE claim_id = {ONE}", "CLAIM_SEALED"),
    (
        "UPDATE claim SET body = (SELECT body FROM claim c WHERE c.claim_id > claim.claim_id "
        f"LIMIT 1) WHERE claim_id = {ONE}",
        "CLAIM_SEALED",
    ),
    (f"UPDATE claim SET subject_ref = 's_nobody' WHERE claim_id = {ONE}", "CLAIM_SEALED"),
    ("UPDATE opening SET subject_ref = 's_nobody' WHERE leaf_index = 0", "OPENING_SEALED"),
    ("UPDATE exchange SET subject_ref = 's_nobody'", "EXCHANGE_SEALED"),
    ("UPDATE subject SET subject_ref = 'x' || substr(subject_ref, 2)", "CLAIM_SEALED"),
    (f"DELETE FROM claim WHERE claim_id = {ONE}", "CLAIM_MISSING"),
    (f"DELETE FROM claim WHERE claim_id = {ONE}", "MESSAGE_WITHOUT_CLAIM"),
    (f"DELETE FROM claim_entry WHERE claim_id = {ONE}", "CLAIM_WITHOUT_ENTRY"),
    (f"DELETE FROM claim_entry WHERE claim_id = {ONE}", "ENTRY_WITHOUT_CLAIM"),
    (f"DELETE FROM claim_entry WHERE claim_id = {ONE}", "CLAIM_ENTRIES_DIFFER"),
    ("UPDATE claim_entry SET leaf_index = leaf_index + 100", "CLAIM_ENTRY_DIFFERS"),
    ("UPDATE claim_entry SET kind = 'voided' WHERE kind = 'pending'", "CLAIM_ENTRY_DIFFERS"),
    ("DELETE FROM message", "MESSAGE_MISSING"),
    ("UPDATE message SET transaction_code = '2213'", "MESSAGE_MISSING"),
    ("UPDATE message SET region = '310000'", "MESSAGE_MISSING"),
    ("UPDATE exchange SET msgid = 'M' || substr(msgid, 2)", "EXCHANGE_WITHOUT_MESSAGE"),
    ("UPDATE exchange SET transaction_code = '2213'", "EXCHANGE_WITHOUT_MESSAGE"),
    ("DELETE FROM reversal_request", "REVERSAL_NOT_RECORDED"),
    ("UPDATE reversal_request SET request_id = 'r-x'", "REVERSAL_NOT_RECORDED"),
    (
        "UPDATE reversal_request SET claim_id = (SELECT min(claim_id) FROM claim c "
        "WHERE c.claim_id <> reversal_request.claim_id)",
        "REVERSAL_NOT_RECORDED",
    ),
    ("UPDATE reversal_request SET claim_id = 'clm_x'", "REVERSAL_WITHOUT_CLAIM"),
    ("UPDATE reversal_request SET request_hash = 'x'", "REVERSAL_DIFFERS"),
    ("DELETE FROM opening WHERE leaf_index = 1", "OPENING_MISSING"),
    ("UPDATE opening SET sealed = x'00' WHERE leaf_index = 1", "OPENING_SEALED"),
    ("UPDATE exchange SET reply = request", "EXCHANGE_SEALED"),
    ("UPDATE ledger_leg SET amount_fen = amount_fen + 1", "POSTING_DIFFERS"),
    ("UPDATE subject SET wrapped_dek = x'00'", "CLAIM_SEALED"),
]


@pytest.mark.parametrize(("statement", "code"), LIES)
async def test_a_lie_in_the_tables_is_found(tmp_path: Path, statement: str, code: str) -> None:
    vkey = prepare(tmp_path)
    async with opened(tmp_path) as house:
        await asked_to_reverse(house, await lived(house, "r-1", ClaimEvent.REGION_SETTLED))
        await house.store.write(Intent("r-2"))
    engine = write_engine(options(tmp_path).database)
    unguarded(engine, statement)
    engine.dispose()
    found = report(tmp_path, vkey)
    assert code in {problem.code for problem in found.state.problems}
    assert all(p.where and p.what and p.do for p in found.state.problems)
