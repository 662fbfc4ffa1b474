"""The SM2 line of a checkpoint: checked by whoever knows the key, passed over by all others."""

from __future__ import annotations

import pytest

from adapters.sm.libcrypto import Libcrypto
from gateway.sm2_log import Sm2LogSigner
from ledger.checkpoint import (
    Checkpoint,
    KeyMalformed,
    NoteInvalid,
    issue_checkpoint,
    open_checkpoint,
)
from ledger.merkle import leaf_hash
from ledger.note import b64, join_key, key_id_of, signature_line, split_note
from ledger.receipt import Receipt, ReceiptInvalid, make_receipt, verify_receipt
from ledger.sm2_note import NAMED_TYPE, SM2_NOTE, Sm2NoteVerifier, sm2_message, sm2_signed
from ledger.store import inclusion_proof, leaves
from ledger.verify import verify
from tests.unit.adapters.sm.keys import PRIVATE, made_key
from tests.unit.ledger.books import Books, signer

LOG = signer("log.test/yrd")
PROVIDER = Libcrypto()
SM2 = Sm2LogSigner(LOG.name, PRIVATE, PROVIDER)
OTHER = Sm2LogSigner(LOG.name, made_key(7), PROVIDER)
VKEY = SM2.verifier.vkey
KEY = Sm2NoteVerifier.from_vkey(VKEY)  # with the ledger's own verifier, not the library's
CHECKPOINT = issue_checkpoint(42, leaf_hash(b"root"), LOG, [SM2])


def forged(text: str = "another text\n") -> str:
    return SM2.signature_line(text)


def test_a_checkpoint_carries_both_lines_and_both_keys_open_it() -> None:
    assert CHECKPOINT.note.count("\u2014 log.test/yrd ") == 2
    assert open_checkpoint(CHECKPOINT.note, LOG.verifier, [KEY]) == CHECKPOINT
    assert sm2_signed(CHECKPOINT.note, KEY)


def test_whoever_does_not_know_the_key_passes_over_its_line() -> None:
    bad = issue_checkpoint(42, CHECKPOINT.root, LOG).note + forged()
    assert open_checkpoint(bad, LOG.verifier).size == 42
    assert open_checkpoint(bad, LOG.verifier, [OTHER.verifier]).size == 42


def test_a_wrong_line_of_a_known_key_rejects_the_note() -> None:
    bad = issue_checkpoint(42, CHECKPOINT.root, LOG).note + forged()
    for note in (bad, CHECKPOINT.note + forged()):
        with pytest.raises(NoteInvalid, match="does not fit"):
            open_checkpoint(note, LOG.verifier, [KEY])
        with pytest.raises(NoteInvalid, match=r"SM2 signature .* does not fit"):
            sm2_signed(note, KEY)


def test_sm2_alone_does_not_make_a_checkpoint() -> None:
    text, _ = split_note(CHECKPOINT.note)
    with pytest.raises(NoteInvalid, match="has not signed"):
        open_checkpoint(f"{text}\n{SM2.signature_line(text)}", LOG.verifier, [KEY])


def test_a_checkpoint_without_the_line_is_not_signed_by_sm2() -> None:
    assert not sm2_signed(issue_checkpoint(42, CHECKPOINT.root, LOG).note, KEY)
    assert not sm2_signed(CHECKPOINT.note, OTHER.verifier)


def test_the_line_signs_its_label_and_the_text_and_nothing_shorter() -> None:
    text, _ = split_note(CHECKPOINT.note)
    bare = PROVIDER.sign(PRIVATE, text.encode())
    with pytest.raises(NoteInvalid):
        sm2_signed(f"{text}\n{signature_line(KEY.name, KEY.key_id, bare)}", KEY)
    assert sm2_message(text) == b"yrd.note-sm2-sm3.v1\x00" + text.encode()


def test_the_vkey_is_of_the_named_kind() -> None:
    named = b64(b"\xff" + SM2_NOTE + KEY.public_key)
    assert f"log.test/yrd+{KEY.key_id.hex()}+{named}" == VKEY
    assert KEY.vkey == VKEY and SM2.verifier == KEY
    assert KEY.key_id == key_id_of(KEY.name, 0xFF, SM2_NOTE + KEY.public_key)


@pytest.mark.parametrize(
    "named",
    [
        SM2_NOTE + PRIVATE.public.point[:33],
        SM2_NOTE + b"\x06" + PRIVATE.public.point[1:],
        SM2_NOTE + bytes(65),
        b"another.kind\x00" + PRIVATE.public.point,
        SM2_NOTE[:-1] + PRIVATE.public.point,
        SM2_NOTE,
    ],
)
def test_a_vkey_that_is_none_is_refused(named: bytes) -> None:
    key_id = key_id_of("log.test/yrd", NAMED_TYPE, named)
    with pytest.raises(KeyMalformed):
        Sm2NoteVerifier.from_vkey(join_key("log.test/yrd", key_id, NAMED_TYPE, named))
    with pytest.raises(KeyMalformed, match="only 0xff"):
        Sm2NoteVerifier.from_vkey(LOG.vkey)


def test_no_repr_shows_the_key() -> None:
    assert PRIVATE.secret.hex() not in repr(SM2) and "secret" not in repr(SM2)


def signed(books: Books) -> Checkpoint:
    """Four leaves under a checkpoint from before there was an SM2 key, and one from after."""
    books.fill(2)
    assert books.sign() is not None
    books.fill(2)
    books.others = (SM2,)
    checkpoint = books.sign()
    assert checkpoint is not None
    return checkpoint


def receipt(books: Books, note: str) -> bytes:
    with books.engine.connect() as connection:
        proof = inclusion_proof(connection, 3, 4)
        [leaf] = [row.data for row in leaves(connection, 3, 4)]
    made: Receipt = make_receipt(leaf=leaf, index=3, proof=proof, checkpoint=note)
    return made.to_bytes()


def test_a_receipt_proves_its_sm2_signature_to_whoever_asks_for_it(books: Books) -> None:
    data = receipt(books, signed(books).note)
    assert verify_receipt(data, books.signer.vkey, sm2_vkey=VKEY).sm2
    assert not verify_receipt(data, books.signer.vkey).sm2


def test_a_receipt_whose_sm2_line_is_wrong_or_cut_off_is_refused(books: Books) -> None:
    checkpoint = signed(books)
    plain = issue_checkpoint(checkpoint.size, checkpoint.root, books.signer).note
    for note, says in ((plain, "has not signed"), (plain + forged(), "does not fit")):
        data = receipt(books, note)
        assert not verify_receipt(data, books.signer.vkey).sm2
        with pytest.raises(ReceiptInvalid, match=says) as error:
            verify_receipt(data, books.signer.vkey, sm2_vkey=VKEY)
        assert error.value.step == "SM2" and error.value.do


@pytest.mark.parametrize("vkey", ["nonsense", LOG.vkey, "elsewhere"])
def test_a_receipt_is_not_checked_with_a_key_that_is_none(books: Books, vkey: str) -> None:
    data = receipt(books, signed(books).note)
    other = Sm2NoteVerifier("elsewhere.test/log", KEY.public_key).vkey
    with pytest.raises(ReceiptInvalid) as error:
        verify_receipt(data, books.signer.vkey, sm2_vkey=other if vkey == "elsewhere" else vkey)
    assert error.value.step == "KEY"


def codes(books: Books, *keys: Sm2NoteVerifier) -> tuple[list[str], int]:
    with books.engine.connect() as connection:
        report = verify(connection, books.signer.vkey, sm2=keys)
    return [problem.code for problem in report.problems], report.checked.get("sm2_signatures", 0)


def test_verify_counts_the_lines_that_fit(books: Books) -> None:
    signed(books)
    assert codes(books) == ([], 0)
    assert codes(books, KEY) == ([], 1)
    assert codes(books, OTHER.verifier) == ([], 0)


def test_verify_finds_a_line_that_does_not_fit(books: Books) -> None:
    checkpoint = signed(books)
    line = split_note(checkpoint.note)[1][1]
    changed = signature_line(line[0], line[1], line[2][:-1] + bytes([line[2][-1] ^ 1]))
    good = signature_line(*line)
    books.tamper(f"UPDATE ledger_checkpoint SET note = replace(note, '{good}', '{changed}')")
    assert codes(books) == ([], 0)
    assert codes(books, KEY) == (["SM2_SIGNATURE_INVALID"], 0)


def test_nothing_is_signed_when_one_of_the_signers_cannot(books: Books) -> None:
    class Broken:
        def signature_line(self, text: str) -> str:
            raise RuntimeError("no SM2 today")

    books.fill(2)
    books.others = (Broken(),)
    with pytest.raises(RuntimeError, match="no SM2 today"):
        books.sign()
    books.others = (SM2,)
    checkpoint = books.sign()
    assert checkpoint is not None and sm2_signed(checkpoint.note, KEY)
