"""A receipt convinces someone who has only the file and a public key, and nothing else does."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ledger import store
from ledger.commitment import canonical_json, commit
from ledger.leaf import Leaf
from ledger.receipt import Receipt, ReceiptInvalid, make_receipt, verify_receipt
from tests.unit.ledger.books import NOON, Books, pending, salt_for, signer

BODY = canonical_json({"amount_fen": 65_432, "hospital": "H00310000001", "说明": "测试"})
SALT = salt_for("body")


@pytest.fixture
def receipt(books: Books) -> Receipt:
    """The receipt of the sixth of nine leaves."""
    books.fill(5)
    entry = pending("ent_1")
    leaf = Leaf("entry.pending", "ent_1", commit(SALT, BODY).hex(), window="2026-11")
    with books.writing() as connection:
        appended = store.append_entry(connection, entry, leaf, at=NOON, salt=salt_for("seal"))
    books.fill(3)
    checkpoint = books.sign()
    assert checkpoint is not None
    with books.engine.connect() as connection:
        proof = store.inclusion_proof(connection, appended.index, checkpoint.size)
    return make_receipt(
        leaf=appended.leaf,
        index=appended.index,
        proof=proof,
        checkpoint=checkpoint.note,
        salt=SALT,
        body=BODY,
    )


def changed(receipt: Receipt, **parts: Any) -> bytes:
    return json.dumps({**json.loads(receipt.to_bytes()), **parts}).encode()


def refused(data: bytes, vkey: str) -> str:
    with pytest.raises(ReceiptInvalid) as error:
        verify_receipt(data, vkey)
    assert error.value.do
    return error.value.step


def test_a_receipt_proves_its_record(receipt: Receipt, books: Books) -> None:
    proven = verify_receipt(receipt.to_bytes(), books.signer.vkey)
    assert proven.body == BODY
    assert (proven.leaf.entry_id, proven.index, proven.checkpoint.size) == ("ent_1", 5, 9)


def test_a_receipt_may_be_indented_otherwise(receipt: Receipt, books: Books) -> None:
    assert verify_receipt(changed(receipt), books.signer.vkey).body == BODY


def test_a_record_that_was_erased_still_has_a_proof(receipt: Receipt, books: Books) -> None:
    proven = verify_receipt(changed(receipt, opening=None), books.signer.vkey)
    assert proven.body is None and proven.leaf.entry_id == "ent_1"


def test_another_amount_does_not_fit_the_commitment(receipt: Receipt, books: Books) -> None:
    opening = {"salt": SALT.hex(), "body": {**json.loads(BODY), "amount_fen": 65_433}}
    assert refused(changed(receipt, opening=opening), books.signer.vkey) == "OPENING"


def test_another_key_has_not_signed(receipt: Receipt) -> None:
    assert refused(receipt.to_bytes(), signer("other.test/log").vkey) == "CHECKPOINT"


def test_a_key_that_is_none_is_said_to_be_none(receipt: Receipt) -> None:
    assert refused(receipt.to_bytes(), "log.test/yrd") == "KEY"


@pytest.mark.parametrize(
    ("parts", "step"),
    [
        ({"index": 4}, "PROOF"),
        ({"index": 9}, "PROOF"),
        ({"tree_size": 8}, "PROOF"),
        ({"proof": []}, "PROOF"),
        ({"proof": [base64.b64encode(bytes(31)).decode()] * 4}, "PROOF"),
        ({"proof": ["!"]}, "FORMAT"),
        ({"proof": [""] * 65}, "FORMAT"),
        ({"index": "5"}, "FORMAT"),
        ({"index": True}, "FORMAT"),
        ({"index": -1}, "FORMAT"),
        ({"format": "yrd.receipt.v2"}, "FORMAT"),
        ({"checkpoint": None}, "FORMAT"),
        ({"checkpoint": ""}, "CHECKPOINT"),
        ({"leaf": base64.b64encode(b"{}").decode()}, "LEAF"),
        ({"opening": {"salt": SALT.hex()}}, "FORMAT"),
        ({"opening": {"salt": SALT.hex().upper(), "body": {}}}, "FORMAT"),
        ({"opening": {"salt": "00", "body": {}}}, "FORMAT"),
        ({"opening": {"salt": SALT.hex(), "body": []}}, "FORMAT"),
        ({"note": ""}, "FORMAT"),
    ],
)
def test_a_receipt_with_a_wrong_part_says_which(
    receipt: Receipt, books: Books, parts: dict[str, Any], step: str
) -> None:
    assert refused(changed(receipt, **parts), books.signer.vkey) == step


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[" * 100_000, b"[]", b"x" * 5_000_000])
def test_what_is_no_receipt_is_said_to_be_none(books: Books, data: bytes) -> None:
    assert refused(data, books.signer.vkey) == "FORMAT"


def test_a_file_that_says_a_thing_twice_is_refused(receipt: Receipt, books: Books) -> None:
    data = receipt.to_bytes().replace(b'"amount_fen"', b'"amount_fen": 1, "amount_fen"')
    assert refused(data, books.signer.vkey) == "FORMAT"


def test_an_amount_with_a_point_is_no_amount(receipt: Receipt, books: Books) -> None:
    data = receipt.to_bytes().replace(b"65432", b"654.32")
    assert refused(data, books.signer.vkey) == "FORMAT"


def test_the_same_proof_is_had_in_the_open_format(receipt: Receipt) -> None:
    lines = receipt.to_tlog_proof().decode().split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    assert base64.b64decode(lines[1].removeprefix("extra ")) == receipt.leaf
    assert lines[2] == "index 5"
    blank = lines.index("")
    assert [base64.b64decode(line) for line in lines[3:blank]] == list(receipt.proof)
    assert "\n".join(lines[blank + 1 :]) == receipt.checkpoint


def test_a_body_that_is_not_canonical_is_no_record() -> None:
    note = "log.test/yrd\n1\n" + base64.b64encode(bytes(32)).decode() + "\n\n\u2014 a AAAAAAA=\n"
    for body in (b'{"a": 1}', b"[]"):
        with pytest.raises(ValueError):
            make_receipt(leaf=b"", index=0, proof=(), checkpoint=note, salt=SALT, body=body)
    with pytest.raises(ValueError):
        make_receipt(leaf=b"", index=0, proof=(), checkpoint=note, body=BODY)
