"""演示核验: every receipt offline, the log's history, and the whole database, after the story.

A receipt is checked with the log's public key alone: first by itself, then that the checkpoint
inside it is the beginning of the newest one (RFC 9162 §2.1.4). The audit derives all again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.counter.client import Counter, Credentials
from gateway.demo.layout import DataDir
from gateway.demo.scenario import Stage
from gateway.demo.story import ClaimTold, Story
from gateway.demo.stranger import Mirror, MirrorError
from ledger.checkpoint import Checkpoint, open_checkpoint
from ledger.merkle import ProofInvalid, verify_consistency
from ledger.note import NoteInvalid, NoteVerifier
from ledger.policy import Log
from ledger.receipt import ReceiptInvalid, verify_receipt
from yrd.audit.v1 import audit_pb2


def prove(stage: Stage) -> None:
    """Fetch, keep and check the receipts; needs the gateway running."""
    story, place = stage.story, stage.house.place
    stage.say("取回执并离线核验")
    story.vkey = place.vkey.read_text(encoding="ascii").strip()
    for told in story.claims:
        answer = stage.counter(told.hospital.institution_code).receipt(told.claim.claim_id)
        told.receipt = answer.receipt
        told.receipt_path = place.receipts / f"{told.claim.claim_id}.json"
        told.receipt_path.write_bytes(answer.receipt)
    with Counter(stage.house.gateway, Credentials.of(place.tls, "auditor")) as auditor:
        newest = auditor.checkpoint()
        story.checkpoint_note = newest.note
        head = _open(story, newest)
        for told in story.claims:
            told.receipt_ok = head is not None and _holds(story, told, head, auditor)
            story.expect(told.receipt_ok, f"{told.case.title_zh}:回执未通过核验")


def _open(story: Story, newest: audit_pb2.GetCheckpointResponse) -> Checkpoint | None:
    """The newest checkpoint, if the log's key signed it."""
    try:
        return open_checkpoint(newest.note, NoteVerifier.from_vkey(story.vkey))
    except NoteInvalid:
        story.expect(False, "最新检查点的签名不成立")
        return None


def _holds(story: Story, told: ClaimTold, head: Checkpoint, auditor: Counter) -> bool:
    try:
        proven = verify_receipt(told.receipt, story.vkey)
        if proven.checkpoint.size != head.size:
            proof = auditor.consistency(proven.checkpoint.size, head.size)
            verify_consistency(
                proven.checkpoint.size, head.size, proof, proven.checkpoint.root, head.root
            )
    except (ReceiptInvalid, ProofInvalid):
        return False
    body = json.loads(proven.body) if proven.body else {}
    return body.get("claim_id") == told.claim.claim_id


def audit(place: DataDir, story: Story) -> None:
    """Derive the whole database again; needs nothing running."""
    # Import late: the database layer costs half a second that the story does not need.
    from gateway.config import load_settings
    from gateway.counter.answers import check_answer
    from gateway.store.verify_store import verify_store

    settings = load_settings(place.settings)
    report = verify_store(
        settings.database,
        settings.keys_dir,
        story.vkey,
        production=False,
        check_answer=check_answer,
    )
    story.verify_ok = report.ok
    story.verify_checked = {
        f"{name}.{what}": count
        for name, part in (("ledger", report.ledger), ("state", report.state))
        for what, count in part.checked.items()
    }
    story.verify_problems = tuple(
        f"{p.code} {p.where}: {p.what}"
        for part in (report.ledger, report.state)
        for p in part.problems
    )
    story.expect(story.verify_ok, "查账发现问题")
    outside = place.checkpoint.read_text(encoding="utf-8") if place.checkpoint.is_file() else ""
    story.expect(bool(outside), "没有数据库之外的检查点副本")


def balances(place: DataDir, story: Story) -> None:
    """What is left of each prepayment; the claims above have drawn on it."""
    # Import late, as above.
    from gateway.clock import SystemClock
    from gateway.config import load_settings
    from gateway.store.engine import read_engine
    from ledger.limit_store import standings

    engine = read_engine(load_settings(place.settings).database)
    try:
        with engine.connect() as connection, connection.begin():
            story.prepayments = tuple(standings(connection, SystemClock().now()))
    finally:
        engine.dispose()
    story.expect(len(story.prepayments) == 1, "预付金约定没有记入账本")


def export(place: DataDir, story: Story) -> None:
    """The log as files, checked by a stranger's program; after everything has ended."""
    # Import late, as above.
    from gateway.config import load_settings, witness_policy
    from gateway.store.export_log import export_log

    settings, log = load_settings(place.settings), NoteVerifier.from_vkey(story.vkey)
    policy = witness_policy(settings, [Log(log)])
    with TemporaryDirectory(prefix="yrd-") as directory:
        out = Path(directory) / "log"
        exported = export_log(settings.database, log, policy, out, entries=True)
        story.witnesses_asked = len(policy.witnesses)
        story.witnesses, story.log_files = len(exported.witnesses), exported.files
        keys = tuple(witness.key.vkey for witness in policy.witnesses)
        try:
            Mirror(out, out, story.vkey).check(witnesses=keys)
            story.log_ok = True
        except (MirrorError, OSError):
            story.log_ok = False
    story.expect(story.witnesses == story.witnesses_asked, "最后的检查点未经三地平台会签")
    story.expect(story.log_ok, "导出的日志未通过独立程序核验")


def search_for_people(place: DataDir, story: Story, say: Callable[[str], None]) -> None:
    """No identity number or name in the gateway's log or database, in clear."""
    say("在网关的日志与数据库中查找身份证号码")
    people = {
        text.encode()
        for told in story.claims
        for text in (told.hospital.request.patient.id_number, told.hospital.request.patient.name)
    }
    for path in sorted(p for p in place.root.rglob("*") if _is_ours(place, p)):
        content = path.read_bytes()
        found = any(text in content for text in people)
        story.expect(not found, f"{path.relative_to(place.root)} 中出现了明文身份信息")


def _is_ours(place: DataDir, path: Path) -> bool:
    """Files of the gateway, not the stand-in platforms' own state."""
    return path.is_file() and place.sandbox not in path.parents
