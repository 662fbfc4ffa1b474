"""导出日志: one snapshot of the log as files elsewhere, with what a stranger needs to check it.

Exporting again into the same directory adds what is new. The caller's own files are not touched: a
directory that holds anything but an export of this log is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.database import Database
from gateway.store.engine import read_engine
from gateway.store.errors import StoreRefused
from gateway.store.migrate import refuse_unmigrated
from gateway.store.tile_mirror import TileMirror
from ledger.checkpoint import parse_checkpoint
from ledger.cosignature import cosignatures
from ledger.note import NoteVerifier
from ledger.policy import Policy
from ledger.report import Progress, silent
from ledger.tile_files import CHECKPOINT_FILE


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    size: int
    files: int
    witnesses: tuple[str, ...]
    """Names of those whose cosignatures the checkpoint carries."""


def export_log(
    database: Database,
    log: NoteVerifier,
    policy: Policy,
    out: Path,
    *,
    entries: bool,
    progress: Progress = silent,
) -> Exported:
    """Write checkpoint, tile/…, vkey and policy below `out`. `progress` counts leaves, from zero
    again for the bundles.

    Raises StoreRefused, InvariantViolated, OSError.
    """
    if isinstance(database, Path) and not database.exists():
        raise StoreRefused("DATABASE_MISSING", f"数据库 {database} 不存在。")
    checkpoint = out / CHECKPOINT_FILE
    if out.exists() and any(out.iterdir()) and not checkpoint.exists():
        raise StoreRefused("NOT_AN_EXPORT", f"{out} 不是空目录,也不是以前的导出:请另选目录。")
    engine = read_engine(database)
    try:
        with engine.connect() as connection, connection.begin():
            refuse_unmigrated(connection)
        bundles = out if entries else None
        mirror = TileMirror(engine, out, entries=bundles, durable=False, progress=progress)
        files = mirror.write()
    finally:
        engine.dispose()
    out.with_name(out.name + ".lock").unlink(missing_ok=True)
    if not checkpoint.exists():
        raise StoreRefused("NOTHING_SIGNED", "日志还没有已签名的检查点,没有可导出的内容。")
    (out / "vkey").write_text(log.vkey + "\n", encoding="ascii")
    (out / "policy").write_text(policy.to_text(), encoding="utf-8")
    note = checkpoint.read_text(encoding="utf-8")
    found = cosignatures(note, [witness.key for witness in policy.witnesses])
    names = tuple(sorted(cosignature.witness.name for cosignature in found))
    return Exported(parse_checkpoint(note).size, files, names)
