"""回执: one self-contained file that proves, offline and years later, that the log holds a record.

Pure; needs nothing but `cryptography`, neither our database nor the network. The file is JSON:

    {"format":     "yrd.receipt.v1",
     "leaf":       base64 of the leaf's exact bytes,
     "index":      its place in the log, from 0,
     "opening":    {"salt": hex, "body": the record itself} or null when it was erased,
     "tree_size":  leaves of the tree that the proof is for,
     "proof":      [base64 hash, …] from the leaf's sibling upwards,
     "checkpoint": the signed note, verbatim}

A C2SP tlog-proof with the leaf as its extra data is read as well; it opens nothing. Who must have
cosigned the checkpoint is for the reader to say (ledger.policy).
A receipt does not say that a record is still in force: a later entry may have reversed it.
Sources: RFC 6962, RFC 9162, C2SP signed-note, tlog-checkpoint, tlog-proof@v1.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ledger.checkpoint import Checkpoint, NoteVerifier, open_checkpoint, parse_checkpoint
from ledger.commitment import SALT_SIZE, canonical_json, commit
from ledger.cosignature import Cosignature
from ledger.leaf import Leaf, LeafError
from ledger.merkle import ProofInvalid, leaf_hash, verify_inclusion
from ledger.note import KeyMalformed, NoteInvalid, b64, unb64
from ledger.policy import KeyOutOfDate, Log, Policy, PolicyUnmet
from ledger.sm2_note import Sm2NoteVerifier, sm2_signed
from ledger.tlog_proof import TlogProof, TlogProofMalformed, is_tlog_proof

FORMAT = "yrd.receipt.v1"
RECEIPT_MAX = 4 * 1024 * 1024
"""Most bytes of a receipt file."""
PROOF_MAX = 64
"""Most hashes of a proof: the height of the largest tree."""

_KEYS = {"format", "leaf", "index", "opening", "tree_size", "proof", "checkpoint"}


class ReceiptInvalid(Exception):
    """A receipt that proves nothing. `step` names what failed, `do` what to do about it."""

    def __init__(self, step: str, message: str, do: str) -> None:
        super().__init__(f"{message}. {do}")
        self.step = step
        """KEY, FORMAT, CHECKPOINT, SM2, KEY_DATE, WITNESS, LEAF, PROOF or OPENING."""
        self.do = do


@dataclass(frozen=True, slots=True)
class Opening:
    """What a commitment hides: salt and body."""

    salt: bytes
    body: bytes
    """Canonical JSON of one object."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt's parts, not verified."""

    leaf: bytes
    index: int
    tree_size: int
    proof: tuple[bytes, ...]
    checkpoint: str
    opening: Opening | None

    def to_bytes(self) -> bytes:
        """The file, indented for people; it may be re-indented without harm."""
        opening = self.opening and {
            "salt": self.opening.salt.hex(),
            "body": json.loads(self.opening.body),
        }
        value = {
            "format": FORMAT,
            "leaf": b64(self.leaf),
            "index": self.index,
            "opening": opening,
            "tree_size": self.tree_size,
            "proof": [b64(value) for value in self.proof],
            "checkpoint": self.checkpoint,
        }
        return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"

    def to_tlog_proof(self) -> bytes:
        """The same proof as C2SP tlog-proof@v1, for checkers that know no more than the log."""
        return TlogProof(self.index, self.proof, self.checkpoint, self.leaf).to_bytes()


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """What a receipt has proven."""

    leaf: Leaf
    index: int
    checkpoint: Checkpoint
    body: bytes | None
    """Canonical JSON of the record, or None when it was erased and only its leaf is proven."""
    cosignatures: tuple[Cosignature, ...] = ()
    """Those that the policy counted."""
    sm2: bool = False
    """Whether the log's SM2 key, which was asked for, has signed too."""


def make_receipt(
    *,
    leaf: bytes,
    index: int,
    proof: Sequence[bytes],
    checkpoint: str,
    salt: bytes | None = None,
    body: bytes | None = None,
) -> Receipt:
    """A receipt under this checkpoint; `proof` is for the checkpoint's size.

    Raises ValueError when `body` is not canonical JSON of an object, or comes without its salt.
    """
    opening = None
    if salt is not None and body is not None:
        value = json.loads(body)
        if not isinstance(value, dict) or canonical_json(value) != body or len(salt) != SALT_SIZE:
            raise ValueError("a receipt opens to a canonical JSON object, with a salt of 32 bytes")
        opening = Opening(salt=salt, body=body)
    elif salt is not None or body is not None:
        raise ValueError("salt and body come together")
    return Receipt(
        leaf=leaf,
        index=index,
        tree_size=parse_checkpoint(checkpoint).size,
        proof=tuple(proof),
        checkpoint=checkpoint,
        opening=opening,
    )


def verify_receipt(
    data: bytes,
    vkey: str,
    policy: Policy | None = None,
    *,
    now: int | None = None,
    sm2_vkey: str = "",
) -> VerifiedReceipt:
    """What the receipt proves to someone who trusts only the log's public key, and witnesses.

    (0) the key is a key; (1) the file is a receipt; (2) the log has signed the checkpoint, by SM2
    as well if `sm2_vkey` is given; (3) so have the witnesses that `policy` asks for; (4) the leaf
    is a leaf; (5) the leaf is at its place in the signed tree; (6) the record is the one the leaf
    commits to. `now`, in seconds since 1970, dates a checkpoint that no witness dates. Raises
    ReceiptInvalid at the first step that fails.
    """
    log = _verifier(vkey)  # (0)
    sm2 = _sm2_verifier(sm2_vkey, log) if sm2_vkey else None
    receipt = parse_receipt(data)  # (1)
    checkpoint = _opened(receipt, log)  # (2)
    if sm2 is not None:
        _check_sm2(receipt, sm2)
    counted = _witnessed(receipt, log, policy, now) if policy is not None else ()  # (3)
    leaf = _leaf(receipt.leaf)  # (4)
    _check_inclusion(receipt, checkpoint)  # (5)
    if receipt.opening is not None:  # (6)
        _check_opening(receipt.opening, leaf)
    body = receipt.opening.body if receipt.opening else None
    return VerifiedReceipt(
        leaf=leaf,
        index=receipt.index,
        checkpoint=checkpoint,
        body=body,
        cosignatures=counted,
        sm2=sm2 is not None,
    )


def parse_receipt(data: bytes) -> Receipt:
    """The parts of a receipt file, not verified. Raises ReceiptInvalid (FORMAT)."""
    if len(data) > RECEIPT_MAX:
        raise _malformed("it is larger than any receipt")
    if is_tlog_proof(data):
        return _of_tlog_proof(data)
    try:
        value = json.loads(data.decode(), parse_float=Decimal, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise _malformed("it is not JSON") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise _malformed(f"it does not say {FORMAT}")
    if value.keys() != _KEYS:
        raise _malformed("a part is missing, or there is one too many")
    proof = value["proof"]
    if not isinstance(proof, list) or len(proof) > PROOF_MAX:
        raise _malformed("the proof is no list of at most 64 hashes")
    return Receipt(
        leaf=_base64(value["leaf"], "leaf"),
        index=_count(value["index"], "index"),
        tree_size=_count(value["tree_size"], "tree_size"),
        proof=tuple(_base64(item, "proof") for item in proof),
        checkpoint=_text(value["checkpoint"], "checkpoint"),
        opening=_opening(value["opening"]),
    )


def _verifier(vkey: str) -> NoteVerifier:
    try:
        return NoteVerifier.from_vkey(vkey)
    except KeyMalformed as error:
        do = "Ask the operator of the log for its vkey, over a way you trust."
        raise ReceiptInvalid("KEY", f"the public key cannot be used: {error}", do) from error


def _sm2_verifier(vkey: str, log: NoteVerifier) -> Sm2NoteVerifier:
    do = "Ask the operator of the log for its SM2 vkey, over a way you trust."
    try:
        key = Sm2NoteVerifier.from_vkey(vkey)
    except KeyMalformed as error:
        raise ReceiptInvalid("KEY", f"the SM2 public key cannot be used: {error}", do) from error
    if key.name != log.name:
        raise ReceiptInvalid("KEY", "the SM2 public key is of another log", do)
    return key


def _check_sm2(receipt: Receipt, key: Sm2NoteVerifier) -> None:
    do = "Ask for the receipt again, under a checkpoint that the log's SM2 key has signed."
    try:
        signed = sm2_signed(receipt.checkpoint, key)
    except NoteInvalid as error:
        raise ReceiptInvalid("SM2", f"the checkpoint fails: {error}", do) from error
    if not signed:
        # Who gives the key asks for its signature: a line that was cut off must not pass.
        raise ReceiptInvalid("SM2", f"the SM2 key of {key.name} has not signed it", do)


def _opened(receipt: Receipt, log: NoteVerifier) -> Checkpoint:
    try:
        checkpoint = open_checkpoint(receipt.checkpoint, log)
    except NoteInvalid as error:
        do = "Check that this is the key of the log that issued the receipt; ask for it again."
        raise ReceiptInvalid("CHECKPOINT", f"the checkpoint fails: {error}", do) from error
    if checkpoint.size != receipt.tree_size:
        do = "Ask for the receipt again, with a proof for the size of its checkpoint."
        raise ReceiptInvalid("PROOF", "the proof is for a tree of another size", do)
    return checkpoint


def _witnessed(
    receipt: Receipt, log: NoteVerifier, policy: Policy, now: int | None
) -> tuple[Cosignature, ...]:
    # The key that was given decides which log it is; of the policy's logs only dates matter.
    known = [known for known in policy.logs if known.key == log] or [Log(log)]
    try:
        return replace(policy, logs=tuple(known)).judge(receipt.checkpoint, now=now).cosignatures
    except KeyOutOfDate as error:
        do = "Ask for the receipt again under the log's present key; this one shows no good date."
        raise ReceiptInvalid("KEY_DATE", f"a key was past its date: {error}", do) from error
    except (NoteInvalid, PolicyUnmet) as error:
        do = "Ask for the receipt again once more witnesses have cosigned, or ask them yourself."
        raise ReceiptInvalid(
            "WITNESS", f"the witnesses do not vouch for it: {error}", do
        ) from error


def _of_tlog_proof(data: bytes) -> Receipt:
    try:
        proof = TlogProof.parse(data)
        size = parse_checkpoint(proof.checkpoint).size
    except (TlogProofMalformed, NoteInvalid) as error:
        raise _malformed(str(error)) from error
    if proof.extra is None:
        raise _malformed("the proof does not carry its leaf as extra data")
    return Receipt(
        leaf=proof.extra,
        index=proof.index,
        tree_size=size,
        proof=proof.hashes,
        checkpoint=proof.checkpoint,
        opening=None,
    )


def _leaf(data: bytes) -> Leaf:
    try:
        return Leaf.parse(data)
    except LeafError as error:
        do = "Ask for the receipt again."
        raise ReceiptInvalid("LEAF", f"the leaf cannot be read: {error}", do) from error


def _check_inclusion(receipt: Receipt, checkpoint: Checkpoint) -> None:
    hashed = leaf_hash(receipt.leaf)
    try:
        verify_inclusion(hashed, receipt.index, checkpoint.size, receipt.proof, checkpoint.root)
    except ProofInvalid as error:
        do = "The record is not proven to be in the log: keep the file and ask the operator why."
        raise ReceiptInvalid("PROOF", f"the inclusion proof fails: {error}", do) from error


def _check_opening(opening: Opening, leaf: Leaf) -> None:
    if commit(opening.salt, opening.body).hex() != leaf.commitment:
        do = "The log holds another record than this file shows: do not rely on its amounts."
        raise ReceiptInvalid("OPENING", "the record does not fit its commitment", do)


def _malformed(why: str) -> ReceiptInvalid:
    do = "Use the file exactly as it was issued, or ask for it again."
    return ReceiptInvalid("FORMAT", f"the file is no receipt: {why}", do)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is there twice")  # two readers could see two records
    return value


def _opening(value: object) -> Opening | None:
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() != {"salt", "body"}:
        raise _malformed("the opening is no salt and body")
    salt_hex, body = _text(value["salt"], "salt"), value["body"]
    try:
        salt = bytes.fromhex(salt_hex)
        canonical = canonical_json(body)
    except ValueError as error:
        raise _malformed("the opening cannot be read") from error
    if len(salt) != SALT_SIZE or salt.hex() != salt_hex or not isinstance(body, dict):
        raise _malformed("the salt is no 32 bytes in hex, or the body no object")
    return Opening(salt=salt, body=canonical)


def _base64(value: object, name: str) -> bytes:
    try:
        return unb64(_text(value, name))
    except ValueError as error:
        raise _malformed(f"the {name} is no base64") from error


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise _malformed(f"the {name} is no text")
    return value


def _count(value: object, name: str) -> int:
    if type(value) is not int or value < 0:
        raise _malformed(f"the {name} is no count")
    return value
