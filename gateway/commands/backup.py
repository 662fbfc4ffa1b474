"""`yrd backup`: one verified file from a running gateway."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from gateway.clock import SystemClock
from gateway.commands.terminal import kept, notes, output, stop
from gateway.config import ConfigError, Environment, load_settings
from gateway.counter.answers import check_answer
from gateway.store.backup import BackupOrder, Stage, back_up
from gateway.store.errors import StoreRefused
from ledger.note import KeyMalformed


def run(*, data: Path | None, out: Path, as_json: bool) -> None:
    """Back up, or say why not."""
    place = kept(data, command="backup")
    try:
        settings = load_settings(place.settings)
        order = BackupOrder(
            database=settings.database,
            keys_dir=settings.keys_dir,
            production=settings.environment is Environment.PRODUCTION,
            vkey=place.vkey.read_text(encoding="ascii").strip(),
            outside_checkpoint=settings.outside_checkpoint,
            settings={
                name: path
                for name, path in (
                    ("yrd.toml", place.settings),
                    ("participants.toml", settings.participants),
                    ("agreements.toml", settings.agreements),
                )
                if path is not None and path.is_file()
            },
        )
        with bar() as progress:
            made = back_up(
                order, out, at=SystemClock().now(), stage=watching(progress),
                check_answer=check_answer,
            )  # fmt: skip
    except (ConfigError, StoreRefused, KeyMalformed) as error:
        stop(str(error))
    except OSError as error:
        stop(f"备份没有完成({error.strerror}:{error.filename}):请检查磁盘空间与权限。")
    if as_json:
        document = json.loads(made.to_json()) | {"file": str(out), "bytes": out.stat().st_size}
        json.dump(document, sys.stdout, ensure_ascii=False, indent=1)
        print(flush=True)
        return
    output().print(
        f"已备份到 {out}({out.stat().st_size:,} 字节),日志 {made.log_size} 条,查账通过。\n"
        f"不含密钥:请把 {settings.keys_dir} 离线另存(加密、两人分管,与备份分开放),"
        "没有密钥的备份谁也打不开。\ntls/ 与 secrets/ 也不在其中。",
        markup=False,
    )


def bar() -> Progress:
    """A progress bar on standard error that leaves nothing behind."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    return Progress(*columns, console=notes(), transient=True)


def watching(progress: Progress) -> Stage:
    """Shows one stage after the other."""
    task = progress.add_task("准备", total=None)
    return lambda what, done, total: progress.update(
        task, description=what, completed=done, total=total or None
    )
