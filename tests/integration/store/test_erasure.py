"""加密销毁: the person is gone from every table, and the log verifies as before."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.database import Database
from gateway.domain.claim import ClaimEvent
from gateway.domain.errors import NotFound, Refused
from gateway.ports import Books, ClaimQuery
from gateway.store.engine import write_engine
from gateway.store.erasure import erase_subject
from gateway.store.errors import SubjectErased
from gateway.store.open_store import OpenStore
from gateway.store.tables import SUBJECT
from gateway.store.verify_store import verify_store
from ledger.leaf import Leaf
from ledger.merkle import leaf_hash, verify_inclusion
from tests.integration.store.house import HOSPITAL, NOON, identity, opened, options, prepare
from tests.integration.store.lives import lived


async def test_after_an_erasure_nothing_of_the_person_opens_and_every_proof_holds(
    tmp_path: Path,
) -> None:
    vkey = prepare(tmp_path)
    here = options(tmp_path)
    async with opened(tmp_path) as house:
        gone = await lived(house, "r-1", ClaimEvent.REGION_SETTLED, person=1)
        kept = await lived(house, "r-2", ClaimEvent.REGION_SETTLED, person=2)
        await told(house)
        await house.log.publish()
        before = await house.log.leaves(0, 10)
        wrapped = stored_key(here.database, gone.subject_ref)

        index = await erase_subject(house.store, gone.subject_ref, legal_basis="PIPL 47")
        assert await house.log.publish() == len(before) + 1

        for request in (
            lambda r: r.claim(gone.claim_id),
            lambda r: r.claim_by_request(HOSPITAL, "r-1"),
            lambda r: r.answer(gone.claim_id),
        ):
            with pytest.raises(SubjectErased):
                await house.store.read(request)
        page = await house.store.read(lambda r: r.list_answers(ClaimQuery(HOSPITAL)))
        assert [a.decode().split("|")[0] for a in page.answers] == [kept.claim_id]
        assert await house.log.opening(gone.entries[0].leaf_index) is None
        assert await house.log.opening(kept.entries[0].leaf_index) is not None

        leaves = await house.log.leaves(0, 10)
        assert leaves[: len(before)] == before
        assert Leaf.parse(leaves[index]).type == "subject.shredded"
        head = await house.log.checkpoint()
        assert head is not None
        for at, leaf in enumerate(leaves):
            path = await house.log.inclusion_proof(at, head.tree_size)
            verify_inclusion(leaf_hash(leaf), at, head.tree_size, path, head.root_hash)

        # The same person is a new one to us; the request_id stays taken.
        again = await house.store.write(lambda b: b.subject_ref(identity(1)))
        assert again != gone.subject_ref

    found = verify_store(here.database, here.keys_dir, vkey, production=False)
    assert found.ledger.problems == () and found.state.problems == ()
    assert found.state.checked["claims_erased"] == 1
    assert found.state.checked["openings_erased"] == 2
    if isinstance(here.database, Path):
        assert wrapped not in here.database.read_bytes()


async def told(house: OpenStore) -> None:
    """Everything in the outbox is delivered."""

    def finish(books: Books, item_id: str) -> None:
        books.finish_outbox(item_id, NOON)

    for item in await house.store.read(lambda r: r.due_outbox(NOON, 10)):
        await house.store.write(partial(finish, item_id=item.item_id))


async def test_a_settlement_the_visited_region_was_not_told_of_keeps_its_person(
    tmp_path: Path,
) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        claim = await lived(house, "r-1", ClaimEvent.REGION_SETTLED)
        with pytest.raises(Refused):
            await erase_subject(house.store, claim.subject_ref, legal_basis="PIPL 47")
        await told(house)
        await erase_subject(house.store, claim.subject_ref, legal_basis="PIPL 47")


def stored_key(database: Database, subject_ref: str) -> bytes:
    """The wrapped key as it lies in the database."""
    engine = write_engine(database)
    with engine.begin() as connection:
        found = connection.execute(
            select(SUBJECT.c.wrapped_dek).where(SUBJECT.c.subject_ref == subject_ref)
        ).scalar_one()
    engine.dispose()
    return bytes(found)


async def test_an_undecided_claim_keeps_its_person(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        claim = await lived(house, "r-1", ClaimEvent.NO_ANSWER)
        with pytest.raises(Refused):
            await erase_subject(house.store, claim.subject_ref, legal_basis="PIPL 47")
        assert await house.store.read(lambda r: r.claim(claim.claim_id)) == claim


async def test_nobody_is_erased_twice_or_by_mistake(tmp_path: Path) -> None:
    prepare(tmp_path)
    async with opened(tmp_path) as house:
        claim = await lived(house, "r-1", ClaimEvent.REGION_REFUSED)
        await erase_subject(house.store, claim.subject_ref, legal_basis="PIPL 47")
        for ref in (claim.subject_ref, "s_nobody"):
            with pytest.raises(NotFound):
                await erase_subject(house.store, ref, legal_basis="PIPL 47")
