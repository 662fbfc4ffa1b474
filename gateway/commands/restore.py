"""`yrd restore`: a backup becomes a data directory again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer

from gateway.commands.backup import bar, watching
from gateway.commands.terminal import notes, output, stop
from gateway.counter.answers import check_answer
from gateway.database import Postgresql, parse_database, with_password
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
    database_url: str = "",
    password_file: Path | None = None,
) -> None:
    """Restore; exit code 1 if what is in place now is older than what was signed."""
    if data is None:
        stop("需要一个空目录:./yrd restore FILE --data DIR --keys DIR --checkpoint FILE")
    if (checkpoint is None) != nothing_newer:
        stop(_WHICH)
    try:
        order = RestoreOrder(
            backup=file, directory=data, keys_dir=keys, newest_checkpoint=checkpoint,
            database=_database(database_url, password_file),
        )  # fmt: skip
        with bar() as progress:
            restored = restore(order, stage=watching(progress), check_answer=check_answer)
    except (StoreRefused, KeyMalformed, ValueError) as error:
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


def _database(url: str, password_file: Path | None) -> Postgresql | None:
    """Raises OSError, ValueError."""
    if not url:
        return None
    database = parse_database(url)
    if not isinstance(database, Postgresql):
        raise ValueError("--database-url 应为 postgresql+psycopg://USER@HOST/NAME")
    return database if password_file is None else with_password(database, password_file)


def _say(restored: Restored, data: Path) -> None:
    made = restored.manifest
    output().print(
        f"已恢复到 {data}:日志 {made.log_size} 条,备份于 {made.made_at},查账通过。", markup=False
    )
    if made.of_postgresql:
        output().print(
            "数据在所给的 PostgreSQL 数据库中:把 yrd.toml 的 database 改为它,"
            "并以 ./yrd migrate --grant-to 授权给网关的用户。",
            markup=False,
        )
    if restored.later_origin:
        notes().print(
            f"但最新检查点属于备份之后重启的日志 {restored.later_origin}:网关会拒绝启动。\n"
            "请找回更新的备份;确已丢失时,以 ./yrd log restart 换新密钥继续。",
            style="red",
            markup=False,
        )
    elif restored.rolled_back:
        notes().print(
            f"但最新检查点有 {restored.newest_size} 条:少了 {restored.newest_size - made.log_size}"
            " 条,网关会拒绝启动(LOG_ROLLED_BACK)。\n请找回更新的备份或原磁盘;确已丢失时,"
            "以 ./yrd log restart 换新密钥继续。不要删除 checkpoint.txt 强行启动:那会使日志分叉。",
            style="red",
            markup=False,
        )
    else:
        output().print(
            "启动前:放回 tls/ 与 secrets/,核对 yrd.toml 中的路径,执行 ./yrd check-config。",
            markup=False,
        )
