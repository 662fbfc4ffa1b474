"""Signed notes and checkpoints: who is believed, and what is not a checkpoint at all."""

from __future__ import annotations

import pytest

from ledger.checkpoint import (
    NoteInvalid,
    NoteSigner,
    NoteVerifier,
    checkpoint_text,
    issue_checkpoint,
    open_checkpoint,
    parse_checkpoint,
)
from ledger.merkle import EMPTY_ROOT, leaf_hash
from ledger.note import SIGNATURES_MAX, KeyMalformed, b64, open_note, sign_note
from tests.unit.ledger.books import signer

LOG = signer("log.test/yrd")
OTHER = signer("witness.test/w")
ROOT = leaf_hash(b"root")
CHECKPOINT = issue_checkpoint(42, ROOT, LOG)


def unknown_line(number: int) -> str:
    return signer(f"unknown.test/{number}").signature_line(checkpoint_text(LOG.name, 42, ROOT))


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    lines = CHECKPOINT.note.split("\n")
    assert lines[:4] == ["log.test/yrd", "42", b64(ROOT), ""]
    assert lines[4].startswith("\u2014 log.test/yrd ") and lines[5:] == [""]


def test_a_checkpoint_opens_with_the_logs_key() -> None:
    assert open_checkpoint(CHECKPOINT.note, LOG.verifier) == CHECKPOINT
    assert open_checkpoint(CHECKPOINT.note.encode(), LOG.verifier) == CHECKPOINT


def test_signatures_of_unknown_keys_are_ignored_up_to_sixteen_and_more() -> None:
    note = CHECKPOINT.note + "".join(unknown_line(number) for number in range(20))
    assert open_checkpoint(note, LOG.verifier).size == 42


def test_a_note_with_endless_signatures_is_refused() -> None:
    note = CHECKPOINT.note + unknown_line(0) * SIGNATURES_MAX
    with pytest.raises(NoteInvalid):
        open_checkpoint(note, LOG.verifier)


def test_a_known_key_with_a_bad_signature_rejects_the_note() -> None:
    bad = OTHER.signature_line("another text\n")
    assert open_checkpoint(CHECKPOINT.note + bad, LOG.verifier).size == 42
    with pytest.raises(NoteInvalid, match="does not fit"):
        open_checkpoint(CHECKPOINT.note + bad, LOG.verifier, [OTHER.verifier])


def test_a_second_bad_signature_of_a_good_key_rejects_the_note() -> None:
    with pytest.raises(NoteInvalid, match="does not fit"):
        open_checkpoint(CHECKPOINT.note + LOG.signature_line("another text\n"), LOG.verifier)


def test_a_key_that_shares_the_name_only_is_unknown() -> None:
    namesake = NoteSigner.from_seed(LOG.name, bytes(32))
    with pytest.raises(NoteInvalid, match="no known key"):
        open_checkpoint(CHECKPOINT.note, namesake.verifier)


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    note = sign_note(checkpoint_text(LOG.name, 42, ROOT), [OTHER])
    with pytest.raises(NoteInvalid, match="has not signed"):
        open_checkpoint(note, LOG.verifier, [OTHER.verifier])


def test_the_checkpoint_of_another_log_is_refused() -> None:
    note = sign_note(checkpoint_text("other.test/log", 42, ROOT), [LOG])
    with pytest.raises(NoteInvalid, match="another log"):
        open_checkpoint(note, LOG.verifier)


@pytest.mark.parametrize(
    "text",
    [
        f"log.test/yrd\n42\n{b64(ROOT)}\nextension\n",
        f"log.test/yrd\n042\n{b64(ROOT)}\n",
        f"log.test/yrd\n-1\n{b64(ROOT)}\n",
        f"log.test/yrd\n４２\n{b64(ROOT)}\n",
        f"\n42\n{b64(ROOT)}\n",
        f"log.test/yrd\n42\n{b64(ROOT)[:-1]}\n",
        f"log.test/yrd\n42\n{b64(ROOT[:31])}\n",
        f"log.test/yrd\n42\n{b64(ROOT)[:-2]}F=\n",
        f"log.test/yrd\n0\n{b64(ROOT)}\n",
        "log.test/yrd\n42\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteInvalid):
        open_checkpoint(sign_note(text, [LOG]), LOG.verifier)


def test_the_empty_tree_can_be_signed() -> None:
    note = issue_checkpoint(0, EMPTY_ROOT, LOG).note
    assert parse_checkpoint(note).size == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda note: note[:-1],
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("\u2014 ", "- "),
        lambda note: note.replace("\u2014 log", "\u2014  log"),
        lambda note: note + "\n",
        lambda note: note + "\u2014 x.test AAA=\n",
        lambda note: note + "\u2014 x.test not base64\n",
        lambda note: note.replace("42", "42\t"),
        lambda note: note.replace("42\n", "42\r\n"),
        lambda note: note.split("\n\n")[0] + "\n\n",
        lambda note: "",
        lambda note: note + "x" * 1_000_000,
    ],
)
def test_what_is_no_note_is_refused(damage: object) -> None:
    assert callable(damage)
    with pytest.raises(NoteInvalid):
        open_checkpoint(damage(CHECKPOINT.note), LOG.verifier)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(NoteInvalid):
        open_checkpoint(CHECKPOINT.note.encode() + b"\xff", LOG.verifier)


def test_the_last_empty_line_separates_text_and_signatures() -> None:
    text = "one\n\ntwo\n"
    assert open_note(sign_note(text, [LOG, OTHER]), [LOG.verifier, OTHER.verifier])[0] == text


def test_keys_are_written_and_read_back() -> None:
    assert NoteVerifier.from_vkey(LOG.vkey) == LOG.verifier
    assert NoteSigner.from_skey(LOG.skey + "\n").vkey == LOG.vkey


@pytest.mark.parametrize(
    "damage",
    [
        lambda vkey: "",
        lambda vkey: vkey[:-4],
        lambda vkey: vkey.replace("log.test/yrd", "log.test/yrE"),
        lambda vkey: vkey.replace("+", " ", 1),
        lambda vkey: "a b" + vkey,
    ],
)
def test_a_damaged_public_key_is_refused(damage: object) -> None:
    assert callable(damage)
    with pytest.raises(KeyMalformed):
        NoteVerifier.from_vkey(damage(LOG.vkey))


def test_a_complaint_about_a_signing_key_does_not_quote_it() -> None:
    with pytest.raises(KeyMalformed) as refused:
        NoteSigner.from_skey(LOG.skey[:-8])
    assert LOG.skey[-20:-8] not in str(refused.value)
    assert LOG.skey not in repr(LOG)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u3000b", "a\nb", "a\u00a0b"])
def test_a_key_name_fits_on_a_signature_line(name: str) -> None:
    with pytest.raises(KeyMalformed):
        NoteSigner.from_seed(name, bytes(32))
