"""A platform as a witness: each answer of C2SP tlog-witness, and a memory that survives it."""

from __future__ import annotations

import base64
import hashlib
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.sandbox.witness import PlatformWitness, Reply
from adapters.sm.libcrypto import Libcrypto
from gateway.sm2_log import Sm2LogSigner
from ledger.checkpoint import NoteSigner, issue_checkpoint
from ledger.cosignature import CosignatureVerifier, read_answer
from ledger.merkle import consistency_proof
from tests.unit.adapters.sm.keys import PRIVATE
from tests.unit.ledger.trees import Tree

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
LOG = NoteSigner.from_seed("log.test/yrd", hashlib.sha256(b"log").digest())
STRANGER = NoteSigner.from_seed("log.test/yrd", hashlib.sha256(b"another").digest())
TREE = Tree([f"leaf {number}".encode() for number in range(40)])
FORK = Tree([f"leaf {number}".encode() for number in range(5)] + [b"other"] * 35)


def watching(directory: Path) -> PlatformWitness:
    return PlatformWitness(name="sandbox.test/w", directory=directory, logs=[LOG.vkey])


def request(
    old: int,
    size: int,
    *,
    tree: Tree = TREE,
    key: NoteSigner = LOG,
    proof: list[bytes] | None = None,
) -> bytes:
    if proof is None:
        proof = list(consistency_proof(old, size, tree)) if 0 < old < size else []
    note = issue_checkpoint(size, tree.root(size), key).note
    lines = "".join(base64.b64encode(value).decode() + "\n" for value in proof)
    return f"old {old}\n{lines}\n{note}".encode()


def cosigned(witness: PlatformWitness, body: bytes, reply: Reply) -> int:
    """When it cosigned, after checking that it did."""
    assert reply.status == 200, reply.text
    note = body.decode().split("\n\n", 1)[1]
    (found,) = read_answer(note, reply.text, CosignatureVerifier.from_vkey(witness.vkey))
    return found.at


@pytest.mark.parametrize("steps", [(1, 2, 3, 40), (8, 16, 17), (5, 5, 7), (40,)])
def test_a_log_that_only_grows_is_cosigned_at_every_step(
    tmp_path: Path, steps: tuple[int, ...]
) -> None:
    witness, old = watching(tmp_path), 0
    for minute, size in enumerate(steps):
        body = request(old, size)
        now = NOON + timedelta(minutes=minute)
        assert cosigned(witness, body, witness.add_checkpoint(body, now)) == int(now.timestamp())
        assert witness.last_size("log.test/yrd") == size
        old = size
    witness.close()


def test_a_line_of_a_kind_that_it_does_not_know_is_passed_over(tmp_path: Path) -> None:
    witness, sm2 = watching(tmp_path), Sm2LogSigner(LOG.name, PRIVATE, Libcrypto())
    note = issue_checkpoint(8, TREE.root(8), LOG, [sm2]).note
    body = f"old 0\n\n{note}".encode()
    assert cosigned(witness, body, witness.add_checkpoint(body, NOON)) == int(NOON.timestamp())
    witness.close()


def test_the_key_and_the_memory_outlive_the_process(tmp_path: Path) -> None:
    first = watching(tmp_path)
    first.add_checkpoint(request(0, 8), NOON)
    vkey = first.vkey
    first.close()
    second = watching(tmp_path)
    assert second.vkey == vkey
    assert second.add_checkpoint(request(0, 9), NOON).text == "8\n"
    second.close()


def test_another_old_size_is_a_conflict_that_tells_the_right_one(tmp_path: Path) -> None:
    witness = watching(tmp_path)
    witness.add_checkpoint(request(0, 8), NOON)
    for body in (request(0, 9), request(4, 9), request(9, 12), request(0, 8)):
        reply = witness.add_checkpoint(body, NOON)
        assert reply == Reply(409, "8\n", "text/x.tlog.size")
    witness.close()


def test_a_fork_is_refused_and_shouted_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    witness = watching(tmp_path)
    witness.add_checkpoint(request(0, 8), NOON)
    with caplog.at_level(logging.ERROR):
        assert witness.add_checkpoint(request(8, 12, tree=FORK), NOON).status == 422
        assert witness.add_checkpoint(request(8, 8, tree=FORK), NOON).status == 409
    shouted = [record.getMessage() for record in caplog.records]
    assert shouted[0].startswith("FORK: no extension of what was cosigned")
    assert shouted[1].startswith("FORK: two trees of one size")
    assert witness.last_size("log.test/yrd") == 8
    witness.close()


def test_a_log_that_has_shrunk_is_refused_and_shouted_about(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    witness = watching(tmp_path)
    witness.add_checkpoint(request(0, 8), NOON)
    with caplog.at_level(logging.ERROR):
        assert witness.add_checkpoint(request(5, 6), NOON).status == 409
    assert "ROLLED BACK" in caplog.text
    assert witness.add_checkpoint(request(8, 6), NOON).status == 400
    witness.close()


GOOD = consistency_proof(5, 12, TREE)


@pytest.mark.parametrize(
    "proof",
    [
        [],
        GOOD[:-1],
        GOOD[1:],
        [*GOOD, GOOD[-1]],
        [GOOD[1], GOOD[0], *GOOD[2:]],
        list(reversed(GOOD)),
        [bytes(32), *GOOD[1:]],
        [*GOOD[:-1], bytes(32)],
    ],
    ids=["empty", "cut", "headless", "trailing", "swapped", "reversed", "first", "last"],
)
def test_a_proof_that_does_not_hold_is_unprocessable(tmp_path: Path, proof: list[bytes]) -> None:
    witness = watching(tmp_path)
    witness.add_checkpoint(request(0, 5), NOON)
    assert witness.add_checkpoint(request(5, 12, proof=proof), NOON).status == 422
    assert witness.last_size("log.test/yrd") == 5
    witness.close()


def test_a_first_checkpoint_and_a_same_one_need_no_proof(tmp_path: Path) -> None:
    witness = watching(tmp_path)
    assert witness.add_checkpoint(request(0, 5, proof=[bytes(32)]), NOON).status == 422
    assert witness.add_checkpoint(request(0, 5), NOON).status == 200
    assert witness.add_checkpoint(request(5, 5, proof=[bytes(32)]), NOON).status == 422
    witness.close()


def test_only_logs_it_was_told_of_are_cosigned_and_only_by_their_key(tmp_path: Path) -> None:
    witness = watching(tmp_path)
    assert witness.add_checkpoint(request(0, 5, key=STRANGER), NOON).status == 403
    other = NoteSigner.from_seed("other.test/log", bytes(32))
    assert witness.add_checkpoint(request(0, 5, key=other), NOON).status == 404
    both = request(0, 5) + STRANGER.signature_line("x\n").encode()
    assert witness.add_checkpoint(both, NOON).status == 200
    witness.close()


def test_a_bad_signature_of_the_right_key_is_refused_even_beside_a_good_one(tmp_path: Path) -> None:
    witness = watching(tmp_path)
    both = request(0, 5) + LOG.signature_line("another text\n").encode()
    assert witness.add_checkpoint(both, NOON).status == 403
    witness.close()


BODY = request(0, 5).decode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        BODY.replace("old 0", "old 00").encode(),
        BODY.replace("old 0", "old -1").encode(),
        BODY.replace("old 0", "0").encode(),
        BODY.replace("old 0\n", "old 0").encode(),
        BODY.replace("\n5\n", "\n05\n").encode(),
        BODY.replace("old 0\n", "old 0\nno base64!\n").encode(),
        BODY.replace("old 0\n", "old 0\nAAAA\n").encode(),
        BODY.replace(
            "old 0\n", "old 0\n" + (base64.b64encode(bytes(32)).decode() + "\n") * 64
        ).encode(),
        BODY.rstrip("\n").encode(),
        BODY.split("\u2014")[0].encode(),
        BODY.replace("\u2014", "-").encode(),
    ],
)
def test_what_is_no_request_is_a_bad_request(tmp_path: Path, body: bytes) -> None:
    witness = watching(tmp_path)
    assert witness.add_checkpoint(body, NOON).status == 400
    witness.close()


def test_it_reads_the_example_of_the_specification(tmp_path: Path) -> None:
    """The request printed in C2SP tlog-witness: well formed, of a log that it does not know."""
    body = (
        "old 20852014\n"
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
        "\n"
        "example.com/behind-the-sofa\n"
        "20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        "\n"
        "\u2014 example.com/behind-the-sofa "
        "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5"
        "/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    )
    witness = watching(tmp_path)
    assert witness.add_checkpoint(body.encode(), NOON).status == 404
    witness.close()
