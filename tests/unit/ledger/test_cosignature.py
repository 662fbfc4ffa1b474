"""Cosignatures: made and read as C2SP tlog-cosignature says, and by nobody else's key."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from ledger.checkpoint import issue_checkpoint, open_checkpoint
from ledger.cosignature import (
    MLDSA44,
    CosignatureVerifier,
    Cosigner,
    cosignatures,
    read_answer,
    with_cosignatures,
)
from ledger.cosigned import (
    add_cosignatures,
    checkpoint_note,
    first_witnessed,
    is_witnessed,
    last_cosigned,
    last_witnessed,
)
from ledger.merkle import leaf_hash
from ledger.note import (
    KeyMalformed,
    NoteInvalid,
    NoteVerifier,
    join_key,
    key_id_of,
    split_note,
)
from ledger.verify import verify
from tests.unit.ledger.books import Books, cosigner, signer

LOG = signer()
WITNESS, OTHER = cosigner("one.test/w"), cosigner("two.test/w")
NOTE = issue_checkpoint(42, leaf_hash(b"root"), LOG).note
TEXT = split_note(NOTE)[0]
AT = 1_763_958_000


def test_the_signature_is_the_one_that_the_specification_describes() -> None:
    """By hand, from the text of the format alone."""
    line = WITNESS.cosign(TEXT, AT)
    assert line.startswith("\u2014 one.test/w ") and line.endswith("\n")
    data = base64.b64decode(line.split(" ")[2])
    public = WITNESS.verifier.public_key
    assert data[:4] == hashlib.sha256(b"one.test/w\n\x04" + public).digest()[:4]
    assert int.from_bytes(data[4:12], "big") == AT
    message = f"cosignature/v1\ntime {AT}\n{TEXT}".encode()
    Ed25519PublicKey.from_public_bytes(public).verify(data[12:], message)
    assert len(data) == 4 + 8 + 64


def test_keys_are_written_and_read_back() -> None:
    assert CosignatureVerifier.from_vkey(WITNESS.vkey) == WITNESS.verifier
    assert Cosigner.from_skey(WITNESS.skey).vkey == WITNESS.vkey
    assert "seed" not in repr(WITNESS) and WITNESS.skey not in repr(WITNESS)


def test_a_logs_key_is_no_witnesss_key_and_the_other_way_round() -> None:
    with pytest.raises(KeyMalformed, match="0x01"):
        CosignatureVerifier.from_vkey(LOG.vkey)
    with pytest.raises(KeyMalformed, match="0x04"):
        NoteVerifier.from_vkey(WITNESS.vkey)


def test_a_checkpoint_with_cosignatures_is_still_the_logs_checkpoint() -> None:
    note = with_cosignatures(NOTE, [WITNESS.cosign(TEXT, AT), OTHER.cosign(TEXT, AT + 1)])
    opened = open_checkpoint(note, LOG.verifier, [WITNESS.verifier, OTHER.verifier])
    assert (opened.size, opened.note) == (42, note)
    found = cosignatures(note, [WITNESS.verifier, OTHER.verifier])
    assert [(c.witness.name, c.at) for c in found] == [("one.test/w", AT), ("two.test/w", AT + 1)]
    assert cosignatures(note, [OTHER.verifier])[0].witness == OTHER.verifier


def test_a_cosignature_is_added_once_and_its_earliest_time_counts() -> None:
    early, late = WITNESS.cosign(TEXT, AT), WITNESS.cosign(TEXT, AT + 60)
    note = with_cosignatures(with_cosignatures(NOTE, [late]), [late, early])
    assert note.count("\u2014 one.test/w") == 2
    (found,) = cosignatures(note, [WITNESS.verifier])
    assert (found.at, found.line) == (AT, early)


def test_a_known_witness_with_a_bad_signature_rejects_the_note() -> None:
    note = with_cosignatures(NOTE, [WITNESS.cosign("log.test/yrd\n43\nanother\n", AT)])
    assert open_checkpoint(note, LOG.verifier).size == 42
    with pytest.raises(NoteInvalid, match=r"one\.test/w"):
        cosignatures(note, [WITNESS.verifier])


def test_another_key_under_a_witnesss_name_is_ignored() -> None:
    note = with_cosignatures(NOTE, [Cosigner.from_seed("one.test/w", bytes(32)).cosign(TEXT, AT)])
    assert cosignatures(note, [WITNESS.verifier]) == ()


@pytest.mark.parametrize(
    ("start", "end"), [(0, 71), (0, 64), (8, 72), (0, 0)], ids=["short", "shorter", "plain", "none"]
)
def test_a_signature_of_another_length_is_none(start: int, end: int) -> None:
    data = base64.b64decode(WITNESS.cosign(TEXT, AT).split(" ")[2])[4:]
    assert WITNESS.verifier.verifies(TEXT, data)
    assert not WITNESS.verifier.verifies(TEXT, data[start:end])
    assert not WITNESS.verifier.verifies(TEXT, data + b"\x00")


def test_another_time_than_the_signed_one_is_refused() -> None:
    data = base64.b64decode(WITNESS.cosign(TEXT, AT).split(" ")[2])[4:]
    later = (AT + 1).to_bytes(8, "big") + data[8:]
    assert not WITNESS.verifier.verifies(TEXT, later)
    assert not WITNESS.verifier.verifies(TEXT, b"\xff" * 8 + data[8:])
    with pytest.raises(ValueError):
        WITNESS.cosign(TEXT, 2**63)


@pytest.mark.parametrize(
    "answer",
    ["", "\n", "no line\n", OTHER.cosign(TEXT, AT), WITNESS.cosign(TEXT, AT).rstrip("\n")],
)
def test_an_answer_without_the_witnesss_own_line_is_refused(answer: str) -> None:
    with pytest.raises(NoteInvalid):
        read_answer(NOTE, answer, WITNESS.verifier)


def test_an_answer_may_hold_lines_of_keys_that_we_do_not_know() -> None:
    answer = OTHER.cosign(TEXT, AT) + WITNESS.cosign(TEXT, AT)
    (found,) = read_answer(NOTE, answer, WITNESS.verifier)
    assert found.line == WITNESS.cosign(TEXT, AT)


def test_an_endless_answer_is_refused() -> None:
    with pytest.raises(NoteInvalid, match="at most"):
        read_answer(NOTE, WITNESS.cosign(TEXT, AT) * 17, WITNESS.verifier)


def test_the_table_keeps_each_witnesss_first_cosignature(books: Books) -> None:
    books.fill(3)
    books.sign()
    first = books.cosign("one.test/w")
    assert books.cosign("one.test/w") == first
    books.fill(2)
    books.sign()
    both = books.cosign("one.test/w", "two.test/w")
    books.fill(1)
    books.sign()
    names = [WITNESS.vkey, OTHER.vkey]
    with books.engine.connect() as connection:
        assert last_cosigned(connection, OTHER.vkey) == 5
        assert last_cosigned(connection, cosigner("three.test/w").vkey) == 0
        assert first_witnessed(connection, names, 1) == 3
        assert first_witnessed(connection, names, 2) == 5
        assert first_witnessed(connection, names, 1, above=3) == 5
        assert first_witnessed(connection, names[1:], 1) == 5
        assert first_witnessed(connection, names, 2, above=5) is None
        assert last_witnessed(connection, names, 1) == 5
        assert last_witnessed(connection, names, 2) == 5
        assert last_witnessed(connection, names, 3) is None
        assert is_witnessed(connection, 5, names, 2) and is_witnessed(connection, 3, names, 1)
        assert not is_witnessed(connection, 3, names, 2) and is_witnessed(connection, 6, (), 0)
        assert checkpoint_note(connection, 5) == both
        assert checkpoint_note(connection, 4) is None
    with books.engine.connect() as connection:
        assert verify(connection, LOG.vkey).checked["cosignatures"] == 3


def test_a_quorum_is_found_beyond_many_checkpoints_of_one_witness(books: Books) -> None:
    for number in range(90):
        books.fill(1)
        books.sign()
        books.cosign("one.test/w", *(["two.test/w"] if number in (3, 80) else []))
    names = [WITNESS.vkey, OTHER.vkey]
    with books.engine.connect() as connection:
        assert first_witnessed(connection, names, 2) == 4
        assert first_witnessed(connection, names, 2, above=4) == 81
        assert first_witnessed(connection, names, 2, above=81) is None
        assert last_witnessed(connection, names, 2) == 81
        assert last_witnessed(connection, names[1:], 1) == 81
        assert last_cosigned(connection, OTHER.vkey) == 81


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_cosignature SET line = ''",
        "DELETE FROM ledger_cosignature",
        "INSERT OR REPLACE INTO ledger_cosignature SELECT size, witness, '', 0 "
        "FROM ledger_cosignature",
    ],
)
def test_a_kept_cosignature_refuses_to_be_changed(books: Books, statement: str) -> None:
    books.fill(1)
    books.sign()
    books.cosign("one.test/w")
    with pytest.raises(IntegrityError, match="append-only"), books.writing() as connection:
        connection.exec_driver_sql(statement)


def test_verify_finds_a_cosignature_of_nothing_and_a_forged_one(books: Books) -> None:
    books.fill(1)
    books.sign()
    books.cosign("one.test/w")
    books.tamper(
        "INSERT INTO ledger_cosignature SELECT 7, witness, line, 0 FROM ledger_cosignature",
        f"INSERT INTO ledger_cosignature SELECT 1, '{OTHER.vkey}', line, 0 "
        "FROM ledger_cosignature WHERE size = 1",
    )
    with books.engine.connect() as connection:
        codes = [problem.code for problem in verify(connection, LOG.vkey).problems]
    assert sorted(codes) == ["COSIGNATURE_ASTRAY", "COSIGNATURE_INVALID"]


PQ = Cosigner.from_seed("pq.test/w", hashlib.sha256(b"pq").digest(), MLDSA44)


def test_an_ml_dsa_signature_is_the_one_that_the_specification_describes() -> None:
    """By hand, from the text of the format alone: struct cosigned_message."""
    line = PQ.cosign(TEXT, AT)
    data = base64.b64decode(line.split(" ")[2])
    public = PQ.verifier.public_key
    assert data[:4] == hashlib.sha256(b"pq.test/w\n\x06" + public).digest()[:4]
    assert int.from_bytes(data[4:12], "big") == AT
    message = (
        b"subtree/v1\n\x00" + b"\x09pq.test/w" + AT.to_bytes(8, "big") + b"\x0clog.test/yrd"
        + bytes(8) + (42).to_bytes(8, "big") + leaf_hash(b"root")
    )  # fmt: skip
    MLDSA44PublicKey.from_public_bytes(public).verify(data[12:], message)
    assert len(public) == 1312 and len(data) == 4 + 8 + 2420


def test_ml_dsa_keys_are_written_and_read_back() -> None:
    assert CosignatureVerifier.from_vkey(PQ.vkey) == PQ.verifier
    assert Cosigner.from_skey(PQ.skey).vkey == PQ.vkey
    cut = join_key("pq.test/w", key_id_of("pq.test/w", 6, bytes(32)), 6, bytes(32))
    with pytest.raises(KeyMalformed, match="1312"):
        CosignatureVerifier.from_vkey(cut)


def test_a_note_with_both_kinds_is_read_by_whoever_knows_them() -> None:
    note = with_cosignatures(NOTE, [WITNESS.cosign(TEXT, AT), PQ.cosign(TEXT, AT + 1)])
    found = cosignatures(note, [WITNESS.verifier, PQ.verifier])
    assert [(c.witness.name, c.at) for c in found] == [("one.test/w", AT), ("pq.test/w", AT + 1)]
    assert open_checkpoint(note, LOG.verifier, [PQ.verifier]).size == 42
    assert [c.witness.name for c in read_answer(NOTE, PQ.cosign(TEXT, AT), PQ.verifier)] == [
        "pq.test/w"
    ]


def test_ml_dsa_commits_to_the_name_and_ed25519_does_not() -> None:
    other = CosignatureVerifier("other.test/w", PQ.verifier.public_key)
    data = base64.b64decode(PQ.cosign(TEXT, AT).split(" ")[2])
    assert PQ.verifier.verifies(TEXT, data[4:]) and not other.verifies(TEXT, data[4:])


def test_an_ml_dsa_signature_without_a_time_is_no_witnesss_word() -> None:
    """It says that the tree was seen, and not that it was the largest."""
    note = with_cosignatures(NOTE, [PQ.cosign(TEXT, 0)])
    assert cosignatures(note, [PQ.verifier]) == ()


def test_ml_dsa_makes_no_statement_about_extension_lines() -> None:
    line = PQ.cosign(TEXT, AT)
    assert PQ.verifier.verifies(TEXT + "extension\n", base64.b64decode(line.split(" ")[2])[4:])
    for text in ("no checkpoint\n", "origin\n01\n" + TEXT.split("\n")[2] + "\n", "a\n1\nAA==\n"):
        with pytest.raises(ValueError):
            PQ.cosign(text, AT)
        assert not PQ.verifier.verifies(text, bytes(8 + 2420))


@given(
    bit=st.integers(0, (8 + 2420) * 8 - 1),
    name=st.text("abc./", min_size=1, max_size=20),
    at=st.integers(1, 2**63 - 1),
    size=st.integers(1, 2**62),
)
@settings(max_examples=30, deadline=None)
def test_no_flipped_bit_of_an_ml_dsa_signature_verifies(
    bit: int, name: str, at: int, size: int
) -> None:
    known = Cosigner.from_seed(name, hashlib.sha256(name.encode()).digest(), MLDSA44)
    text = split_note(issue_checkpoint(size, leaf_hash(b"r"), LOG).note)[0]
    signature = bytearray(base64.b64decode(known.cosign(text, at).split(" ")[2])[4:])
    assert known.verifier.verifies(text, bytes(signature))
    signature[bit // 8] ^= 1 << bit % 8
    assert not known.verifier.verifies(text, bytes(signature))


def test_what_an_ml_dsa_witness_signed_is_kept_and_verified(books: Books) -> None:
    books.fill(3)
    signed = books.sign()
    assert signed is not None
    line = PQ.cosign(split_note(signed.note)[0], AT)
    with books.writing() as connection:
        given_lines = read_answer(signed.note, line, PQ.verifier)
        assert add_cosignatures(connection, 3, given_lines, at=books.tick()) == 1
        assert last_cosigned(connection, PQ.vkey) == 3
    with books.engine.connect() as connection:
        report = verify(connection, books.signer.vkey)
        assert report.ok and report.checked["cosignatures"] == 1
