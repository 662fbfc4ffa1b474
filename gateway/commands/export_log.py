"""`yrd export-log`: checkpoint, tiles, vkey and policy, as any web server can serve them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from gateway.commands.terminal import kept, output, progress_bar, stop
from gateway.config import ConfigError, load_settings, witness_policy
from gateway.domain.errors import InvariantViolated
from gateway.store.errors import StoreRefused
from gateway.store.export_log import Exported, export_log
from ledger.note import KeyMalformed, NoteVerifier
from ledger.policy import Log

ENTRIES_WORD = (
    "out/tile/entries 含日志条目:条目不含个人信息与金额,但仅供经认证的读者读取,请勿公开提供。"
)


def run(*, data: Path | None, out: Path, entries: bool, as_json: bool) -> None:
    """Export; stops with a text for what cannot be."""
    place = kept(data, command="export-log")
    try:
        settings = load_settings(place.settings)
        log = NoteVerifier.from_vkey(place.vkey.read_text(encoding="ascii"))
        policy = witness_policy(settings, [Log(log)])
        with progress_bar("导出日志") as told:
            exported = export_log(
                settings.database, log, policy, out, entries=entries, progress=told
            )
    except (ConfigError, StoreRefused, KeyMalformed) as error:
        stop(str(error))
    except InvariantViolated as error:
        stop(f"导出中止,未发布任何检查点:{error}")
    except OSError as error:
        stop(f"{error.filename or out} 无法读写({error.strerror})。")
    if as_json:
        json.dump(_document(exported, out), sys.stdout, ensure_ascii=False, indent=1)
        print(flush=True)
        return
    console = output()
    cosigned = "、".join(exported.witnesses) or "无"
    console.print(f"检查点 {exported.size}({log.name}),见证:{cosigned}", markup=False)
    console.print(f"已写 {exported.files} 个文件到 {out}", markup=False)
    if entries:
        console.print(ENTRIES_WORD, style="yellow", markup=False)


def _document(exported: Exported, out: Path) -> dict[str, object]:
    return {
        "out": str(out),
        "tree_size": exported.size,
        "files": exported.files,
        "witnesses": list(exported.witnesses),
    }
