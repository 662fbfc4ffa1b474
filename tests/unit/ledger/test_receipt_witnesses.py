"""Receipts with witnesses, and the same proof as a C2SP tlog-proof file."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from ledger import store
from ledger.commitment import canonical_json, commit
from ledger.cosignature import with_cosignatures
from ledger.leaf import Leaf
from ledger.note import split_note
from ledger.policy import KeyDates, Log, Policy, Witness
from ledger.receipt import Receipt, ReceiptInvalid, make_receipt, verify_receipt
from ledger.tlog_proof import TlogProof, TlogProofMalformed
from tests.unit.ledger.books import NOON, Books, cosigner, pending, salt_for, signer

BODY = canonical_json({"amount_fen": 65_432})
SALT = salt_for("body")
ONE, TWO = cosigner("one.test/w"), cosigner("two.test/w")


@pytest.fixture
def receipt(books: Books) -> Receipt:
    """Cosigned by two witnesses."""
    books.fill(5)
    leaf = Leaf("entry.pending", "ent_1", commit(SALT, BODY).hex())
    with books.writing() as connection:
        appended = store.append_entry(connection, pending("ent_1"), leaf, at=NOON)
    books.fill(3)
    books.sign()
    note = books.cosign("one.test/w", "two.test/w")
    with books.engine.connect() as connection:
        proof = store.inclusion_proof(connection, appended.index, 9)
    return make_receipt(
        leaf=appended.leaf, index=5, proof=proof, checkpoint=note, salt=SALT, body=BODY
    )


def policy(quorum: int, *, log: Log | None = None, **dates: int) -> Policy:
    limits = KeyDates(**dates)
    witnesses = [Witness(w.verifier.name, w.verifier, dates=limits) for w in (ONE, TWO)]
    return Policy.k_of(quorum, witnesses, [log] if log else [])


def step(data: bytes, judged_by: Policy | None = None, vkey: str | None = None) -> str:
    with pytest.raises(ReceiptInvalid) as refused:
        verify_receipt(data, vkey or signer().vkey, judged_by)
    assert refused.value.do
    return refused.value.step


def test_a_receipt_names_who_has_cosigned(receipt: Receipt) -> None:
    proven = verify_receipt(receipt.to_bytes(), signer().vkey, policy(2))
    assert [c.witness.name for c in proven.cosignatures] == ["one.test/w", "two.test/w"]
    assert verify_receipt(receipt.to_bytes(), signer().vkey).cosignatures == ()


def test_too_few_witnesses_are_too_few(receipt: Receipt) -> None:
    text, signatures = split_note(receipt.checkpoint)
    lines = receipt.checkpoint[len(text) + 1 :].splitlines(keepends=True)
    assert len(signatures) == 3
    bare = replace(receipt, checkpoint=f"{text}\n{lines[0]}{lines[1]}")
    assert step(bare.to_bytes(), policy(2)) == "WITNESS"
    assert verify_receipt(bare.to_bytes(), signer().vkey, policy(1)).index == 5


def test_a_forged_cosignature_is_refused(receipt: Receipt) -> None:
    text, _ = split_note(receipt.checkpoint)
    forged = ONE.cosign(text.replace("9", "8"), 1)
    note = with_cosignatures(receipt.checkpoint, [forged])
    assert step(replace(receipt, checkpoint=note).to_bytes(), policy(1)) == "WITNESS"


def test_a_witness_key_past_its_date_does_not_vouch(receipt: Receipt) -> None:
    yesterday = int(NOON.timestamp()) - 86_400
    assert step(receipt.to_bytes(), policy(1, last=yesterday)) == "WITNESS"


def test_a_log_key_past_its_date_does_not_prove(receipt: Receipt) -> None:
    until = int(NOON.timestamp())
    late = Log(signer().verifier, dates=KeyDates(last=until - 86_400))
    assert step(receipt.to_bytes(), policy(1, log=late)) == "KEY_DATE"
    in_time = Log(signer().verifier, dates=KeyDates(last=until + 86_400))
    verify_receipt(receipt.to_bytes(), signer().vkey, policy(1, log=in_time))


def test_the_key_that_was_given_decides_which_log_it_is(receipt: Receipt) -> None:
    other = Log(signer("other.test/log").verifier)
    verify_receipt(receipt.to_bytes(), signer().vkey, policy(2, log=other))
    assert step(receipt.to_bytes(), policy(2), signer("other.test/log").vkey) == "CHECKPOINT"


def test_the_same_proof_as_a_file_that_any_checker_reads(receipt: Receipt) -> None:
    data = receipt.to_tlog_proof()
    assert data.decode().splitlines()[:3] == [
        "c2sp.org/tlog-proof@v1",
        f"extra {base64.b64encode(receipt.leaf).decode()}",
        "index 5",
    ]
    proven = verify_receipt(data, signer().vkey, policy(2))
    assert (proven.leaf.entry_id, proven.index, proven.body) == ("ent_1", 5, None)
    assert TlogProof.parse(data).to_bytes() == data


def test_another_leaf_in_the_extra_data_is_not_proven(receipt: Receipt) -> None:
    other = Leaf("entry.pending", "ent_2", "00" * 32).to_bytes()
    assert step(replace(receipt, leaf=other).to_tlog_proof()) == "PROOF"


def test_a_proof_for_a_larger_tree_is_not_one_for_this(receipt: Receipt, books: Books) -> None:
    books.fill(8)
    books.sign()
    with books.engine.connect() as connection:
        larger = store.inclusion_proof(connection, 5, 17)
    assert step(replace(receipt, proof=larger).to_tlog_proof()) == "PROOF"
    assert step(replace(receipt, proof=larger).to_bytes()) == "PROOF"
    assert step(replace(receipt, proof=larger, tree_size=17).to_bytes()) == "PROOF"


def test_a_proof_without_its_leaf_is_no_receipt_and_still_a_proof(receipt: Receipt) -> None:
    bare = TlogProof(receipt.index, receipt.proof, receipt.checkpoint)
    assert TlogProof.parse(bare.to_bytes()) == bare
    assert step(bare.to_bytes()) == "FORMAT"


GOOD = "c2sp.org/tlog-proof@v1\nextra AAAA\nindex 0\n" + "A" * 43 + "=\n\nnote"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n" + GOOD,
        GOOD.replace("@v1", "@v2"),
        GOOD.replace("index 0", "index 00"),
        GOOD.replace("index 0", "index -1"),
        GOOD.replace("index 0\n", ""),
        GOOD.replace("index 0", "Index 0"),
        GOOD.replace("extra AAAA", "extra AAA"),
        GOOD.replace("extra AAAA\nindex 0", "index 0\nextra AAAA"),
        GOOD.replace("A" * 43 + "=", "A" * 40),
        GOOD.replace("A" * 43 + "=\n", ("A" * 43 + "=\n") * 65),
        GOOD.replace("\n\n", "\n"),
        GOOD.replace("\n", "\r\n"),
    ],
)
def test_what_is_no_proof_file_is_refused(text: str) -> None:
    assert TlogProof.parse(GOOD.encode()).to_bytes() == GOOD.encode()
    with pytest.raises(TlogProofMalformed):
        TlogProof.parse(text.encode())


def test_a_proof_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(TlogProofMalformed):
        TlogProof.parse(b"c2sp.org/tlog-proof@v1\n\xff")
