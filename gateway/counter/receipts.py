"""回执: keeping a receipt file and checking it offline with the log's public key alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ledger.receipt import ReceiptInvalid, VerifiedReceipt, verify_receipt


@dataclass(frozen=True, slots=True)
class Proof:
    """What a receipt was found to be."""

    ok: bool
    text_zh: str
    leaf_index: int | None = None
    tree_size: int | None = None


def check(receipt: bytes, vkey: str, claim_id: str = "") -> Proof:
    """Verify a receipt, and that it is of this claim where one is named."""
    try:
        proven = verify_receipt(receipt, vkey)
    except ReceiptInvalid as invalid:
        return Proof(False, f"核验未通过({invalid.step}):{invalid}")
    said = body_of(proven).get("claim_id", "")
    if claim_id and said and said != claim_id:
        return Proof(False, "核验未通过:回执属于另一笔结算。")
    size = proven.checkpoint.size
    return Proof(True, f"已离线核验:第 {proven.index} 条,检查点 {size}", proven.index, size)


def body_of(proven: VerifiedReceipt) -> dict[str, object]:
    """The record a receipt opens to; empty where it was erased."""
    body: dict[str, object] = json.loads(proven.body) if proven.body else {}
    return body


def keep(directory: Path, claim_id: str, receipt: bytes) -> Path:
    """Write `CLAIM_ID.json`; a newer receipt of the same claim replaces it whole."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{claim_id}.json"
    fresh = path.with_suffix(".new")
    fresh.write_bytes(receipt)
    fresh.replace(path)
    return path


def read_vkey(given: str) -> str:
    """A verifier key as given: the key itself, or a file that holds it. Raises OSError."""
    # A key is `name+hash+base64`; anything else can only be a file's name.
    if given.count("+") >= 2 and not Path(given).exists():
        return given.strip()
    return Path(given).read_text(encoding="ascii").strip()
