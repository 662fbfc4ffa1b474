"""演示文档: a story as one JSON document for machines. Amounts are integer fen; keys are stable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.counter import wording
from gateway.counter.limit_words import row
from gateway.demo.story import ClaimTold, Story
from ledger.checkpoint import parse_checkpoint


def document(story: Story, *, kept: Path | None) -> dict[str, Any]:
    """The whole document."""
    head = parse_checkpoint(story.checkpoint_note) if story.checkpoint_note else None
    return {
        "ok": not story.broken,
        "claims": [_claim(told) for told in story.claims],
        "predetermination": _estimate(story),
        "refused_by_us": [
            {
                "case": row.key,
                "status": row.status,
                "reason": row.reason,
                "field": row.field,
                "text_zh": row.text_zh,
            }
            for row in story.refused
        ],
        "malformed_file": [
            {"path": p.path, "reason": p.reason, "text_zh": p.text_zh} for p in story.file_problems
        ],
        "replay": {"case": story.replay_case, "byte_identical": story.replay_identical},
        "platforms": {
            "effective_settlements": story.platforms_effective,
            "visited_notices": story.visited_told,
        },
        "conformance": {
            "platforms": story.platforms_tried,
            "conform": story.platforms_conform,
        },
        "checkpoint": {
            "origin": head.origin if head else "",
            "size": head.size if head else 0,
            "root": head.root.hex() if head else "",
            "note": story.checkpoint_note,
            "vkey": story.vkey,
        },
        "witnesses": {"asked": story.witnesses_asked, "cosigned": story.witnesses},
        "exported_log": {"files": story.log_files, "ok": story.log_ok},
        "receipts": {
            "checked": len(story.claims),
            "ok": bool(story.claims) and all(told.receipt_ok for told in story.claims),
        },
        "prepayments": [row(standing, "unverified") for standing in story.prepayments],
        "verify": {
            "ok": story.verify_ok,
            "checked": sum(story.verify_checked.values()),
            "by_kind": story.verify_checked,
            "problems": list(story.verify_problems),
        },
        "seconds": story.milliseconds / 1000,
        "data": str(kept) if kept else None,
        "broken": story.broken,
    }


def _claim(told: ClaimTold) -> dict[str, Any]:
    claim = told.claim
    settled = claim.HasField("settled")
    return {
        "case": told.case.key,
        "title_zh": told.case.title_zh,
        "id": claim.claim_id,
        "state": wording.state_name(claim),
        "first_state": told.first_state,
        "provisional": claim.provisional,
        "institution": claim.institution_code,
        "visited_region": claim.visited_region,
        "insured_region": claim.insured_region,
        "amounts": wording.amounts(claim.settled if settled else claim.computed),
        # Without a region's yes the amounts are only our own computation, and nothing is owed.
        "amounts_by": "region" if settled else "gateway",
        "differences": [
            {"part": d.part, "computed_fen": d.computed_fen, "region_fen": d.region_fen}
            for d in claim.differences
        ],
        "refusal": _refusal(told),
        "leaf_index": claim.entries[-1].leaf_index if claim.entries else None,
        "leaf_indexes": [entry.leaf_index for entry in claim.entries],
        "msgids": [message.msgid for message in claim.messages],
        "messages": [
            {"msgid": m.msgid, "transaction": m.transaction, "outcome": m.outcome}
            for m in claim.messages
        ],
        "receipt_ok": told.receipt_ok,
    }


def _refusal(told: ClaimTold) -> dict[str, str] | None:
    refusal = told.claim.refusal
    if not refusal.reason:
        return None
    return {"by": refusal.by, "reason": refusal.reason, "text_zh": refusal.text_zh}


def _estimate(story: Story) -> dict[str, Any] | None:
    if story.estimate is None:
        return None
    return {
        "amounts": wording.amounts(story.estimate.region),
        "agrees": not story.estimate.differences,
        "policy_rules": list(story.estimate.policy_rules),
    }
