"""`yrd log restart`: go on under a new key and origin, and say what is lost."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from gateway.clock import SystemClock
from gateway.commands.terminal import kept, notes, output, stop
from gateway.config import ConfigError, Environment, Settings, load_settings
from gateway.demo.layout import DataDir
from gateway.ids import SystemIds
from gateway.sm2_log import load_sm2_log_key
from gateway.store.errors import StoreRefused
from gateway.store.log_trouble import Trouble
from gateway.store.lost_leaves import LostLeaf, lost_leaves
from gateway.store.restart import Restarted, RestartOrder, restart_log
from ledger.note import KeyMalformed
from ledger.policy import KeyDates

SHOWN_MAX = 50
"""Lost leaves shown on a terminal; --json has all."""
_TROUBLES = {
    Trouble.ROLLED_BACK: "数据库是旧备份,少于已签的检查点",
    Trouble.FORKED: "数据库与已签的检查点不一致",
    Trouble.OLDER_THAN_RESTART: "数据库早于上一次日志重启",
    Trouble.KEY_OUT_OF_DATE: "日志密钥不在有效期内",
    Trouble.KEY_ENDS_SOON: "日志密钥即将到期",
    Trouble.ORDERED: "由人决定(--force)",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line said."""

    reason: str
    origin: str
    checkpoints: list[Path]
    valid_from: date | None
    valid_until: date | None
    source: str
    force: bool


def run(*, data: Path | None, wanted: Wanted, as_json: bool) -> None:
    """Restart, or say why not."""
    place = kept(data, command="log restart")
    try:
        settings = load_settings(place.settings)
        made = restart_log(_order(place, settings, wanted), clock=SystemClock(), ids=SystemIds())
        entries = _moved_entries(settings, made)
        lost = lost_leaves(entries, made.closed.lost) if entries else ()
    except (ConfigError, StoreRefused, KeyMalformed, ValueError) as error:
        stop(str(error))
    except OSError as error:
        stop(f"{error.filename} 无法读写({error.strerror}):更正后再执行一次。")
    except SQLAlchemyError as error:
        what = type(getattr(error, "orig", None) or error).__name__
        stop(f"数据库出错({what}),结果未知:请再执行一次,已经重启过的会说明不需要重启。")
    if as_json:
        json.dump(_document(made, lost), sys.stdout, ensure_ascii=False, indent=1)
        print(flush=True)
    else:
        _say(made, lost)


def _order(place: DataDir, settings: Settings, wanted: Wanted) -> RestartOrder:
    if not wanted.reason.strip():
        raise StoreRefused("REASON_MISSING", "请用 --reason 写明缘由:它会永久记入日志。")
    sm2 = load_sm2_log_key(settings.log_sm2_key) if settings.log_sm2_key else None
    return RestartOrder(
        database=settings.database,
        keys_dir=settings.keys_dir,
        log_origin=settings.log_origin,
        outside_checkpoint=settings.outside_checkpoint,
        vkey_file=place.vkey,
        published=(settings.tiles_dir, settings.entries_dir),
        checkpoints=tuple(wanted.checkpoints),
        reason=wanted.reason.strip(),
        source=wanted.source,
        origin=wanted.origin,
        dates=KeyDates.of_days(wanted.valid_from, wanted.valid_until),
        force=wanted.force,
        production=settings.environment is Environment.PRODUCTION,
        also_sign=sm2.named if sm2 else None,
    )


def _moved_entries(settings: Settings, made: Restarted) -> Path | None:
    """Where the entry bundles of the closed log lie now."""
    name = f"{settings.entries_dir.name}."
    return next((path for path in made.moved if path.name.startswith(name)), None)


def _document(made: Restarted, lost: tuple[LostLeaf, ...]) -> dict[str, object]:
    closed, seen = made.closed, made.closed.seen
    return {
        "trouble": made.trouble.value,
        "closed": {
            "origin": closed.key.name,
            "vkey": closed.key.vkey,
            "size": closed.leaf_index,
            "newest_checkpoint": seen and {"origin": seen.key.name, "size": seen.size},
        },
        "present": {
            "origin": closed.successor.name,
            "vkey": closed.successor.vkey,
            "size": made.checkpoint.size,
            "key_file": str(made.key_file),
        },
        "lost": {"from": closed.lost.start, "to": closed.lost.stop - 1} if closed.lost else None,
        "lost_leaves": [
            {"index": lost.index, "type": lost.leaf.type, "entry_id": lost.leaf.entry_id}
            for lost in lost
        ],
        "moved": [str(path) for path in made.moved],
    }


def _say(made: Restarted, lost: tuple[LostLeaf, ...]) -> None:
    closed, console = made.closed, output()
    console.print(f"日志已重启:{_TROUBLES[made.trouble]}({made.trouble})。", style="bold")
    console.print(
        f"  旧日志 {closed.key.name}:到第 {closed.leaf_index} 条为止,不再签发;"
        f"旧回执仍以旧公钥验证:\n    {closed.key.vkey}\n"
        f"  新日志 {closed.successor.name}:已签检查点 {made.checkpoint.size};新公钥:\n"
        f"    {closed.successor.vkey}",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    _say_lost(made, lost)
    console.print(
        f"接下来:把新公钥交给见证方、各医院与审计方(另途核对);备份新密钥 {made.key_file};\n"
        "旧私钥用不到了,请按规定销毁;yrd.toml 不用改。然后启动网关并执行 ./yrd verify。",
        markup=False,
    )
    for path in made.moved:
        console.print(f"  旧日志的文件移到了 {path}", markup=False, style="dim")


def _say_lost(made: Restarted, lost: tuple[LostLeaf, ...]) -> None:
    closed, warning = made.closed, notes()
    if made.trouble is Trouble.FORKED:
        warning.print(
            "库中内容与已签的检查点不一致;从哪一条起不同,检查点本身看不出:"
            "请与医院回执、镜像和见证方逐条核对。",
            style="red",
        )
    if not closed.lost:
        return
    warning.print(
        f"丢失:旧日志第 {closed.lost.start} 至 {closed.lost.stop - 1} 条(从 0 数起,共 "
        f"{len(closed.lost)} 条)确曾存在并已签名,本库没有。请凭医院回执与各省对账重新补记;"
        "最后一个检查点之后可能还有未签名的。",
        style="red", markup=False,
    )  # fmt: skip
    for one in lost[:SHOWN_MAX]:
        warning.print(f"    {one.index}  {one.leaf.type}  {one.leaf.entry_id}", markup=False)
    if len(lost) > SHOWN_MAX:
        warning.print(f"    …… 另有 {len(lost) - SHOWN_MAX} 条,用 --json 查看", markup=False)
