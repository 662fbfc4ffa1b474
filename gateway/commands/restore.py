"""`yrd restore`: a backup becomes a data directory again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer

from gateway.commands.backup import bar, watching
from gateway.commands.terminal import notes, output, stop
from gateway.counter.answers import check_answer
from gateway.store.errors import StoreRefused
from gateway.store.restore import Restored, RestoreOrder, restore
from ledger.note import KeyMalformed

_WHICH = (
    "旧备份自己看不出自己旧。请二选一:\n"
    "  --checkpoint FILE   能找到的最新检查点:旧盘上的 checkpoint.txt、见证方或回执中的检查点\n"
    "  --nothing-newer     我确认备份之后没有再签过检查点(例如先停网关再备份)"
)


def run(
    *,
    file: Path,
    data: Path | None,
    keys: Path,
    checkpoint: Path | None,
    nothing_newer: bool,
    as_json: bool,
) -> None:
    """Restore; exit code 1 if what is in place now is older than what was signed."""
    if data is None:
        stop("需要一个空目录:./yrd restore FILE --data DIR --keys DIR --checkpoint FILE")
    if (checkpoint is None) != nothing_newer:
        stop(_WHICH)
    order = RestoreOrder(backup=file, directory=data, keys_dir=keys, newest_checkpoint=checkpoint)
    try:
        with bar() as progress:
            restored = restore(order, stage=watching(progress), check_answer=check_answer)
    except (StoreRefused, KeyMalformed) as error:
        stop(str(error))
    except OSError as error:
        stop(f"恢复没有完成({error.strerror}:{error.filename}):目录保持原样。")
    if as_json:
        document = json.loads(restored.manifest.to_json()) | {"rolled_back": restored.rolled_back}
        json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
        print(flush=True)
    else:
        _say(restored, data)
    raise typer.Exit(1 if restored.rolled_back else 0)


def _say(restored: Restored, data: Path) -> None:
    made = restored.manifest
    output().print(
        f"已恢复到 {data}:日志 {made.log_size} 条,备份于 {made.made_at},查账通过。", markup=False
    )
    if restored.rolled_back:
        notes().print(
            f"但最新检查点有 {restored.newest_size} 条:少了 {restored.newest_size - made.log_size}"
            " 条,网关会拒绝启动(LOG_ROLLED_BACK)。\n请找回更新的备份或原磁盘;"
            "这个目录只可用来查阅。不要删除 checkpoint.txt 强行启动:那会使日志分叉。",
            style="red",
            markup=False,
        )
    else:
        output().print(
            "启动前:放回 tls/ 与 secrets/,核对 yrd.toml 中的路径,执行 ./yrd check-config。",
            markup=False,
        )
