"""`yrd verify`: derive the whole database again say what does not hold, and what to do."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text
from sqlalchemy.exc import SQLAlchemyError

from gateway.commands.terminal import kept, output, progress_bar, stop
from gateway.commands.verify_outside import compare, read_checkpoint
from gateway.config import ConfigError, Environment, Settings, load_settings, witness_policy
from gateway.counter.answers import check_answer
from gateway.counter.audit_words import counted, to_do
from gateway.counter.finding_words import meaning
from gateway.counter.receipts import read_vkey
from gateway.demo.layout import DataDir
from gateway.sm2_log import fast_verify
from gateway.store.errors import StoreRefused
from gateway.store.verify_store import StoreReport, verify_published, verify_store
from ledger.note import KeyMalformed
from ledger.published import Published, survey
from ledger.report import Problem, Report
from ledger.sm2_note import Sm2NoteVerifier

SHOWN_MAX = 50
"""Problems shown on a terminal; --json has all that were kept."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the things that were checked."""

    name: str
    title_zh: str
    checked: dict[str, int]
    problems: tuple[Problem, ...]
    problems_total: int


def run(
    *,
    data: Path | None,
    against: Path | None,
    as_json: bool,
    tiles: Path | None = None,
    sm2_keys: Sequence[str] = (),
) -> None:
    """Verify; exit code 1 if anything does not hold."""
    place = kept(data, command="verify")
    if tiles is not None and not tiles.is_dir():
        stop(f"{tiles} 不是目录:请用 --tiles 指明已发布或已导出的日志目录。")
    try:
        settings = load_settings(place.settings)
        vkey = place.vkey.read_text(encoding="ascii").strip()
        parts = _verify(settings, vkey, against, tiles, _sm2(place, sm2_keys))
    except (ConfigError, StoreRefused, KeyMalformed) as error:
        stop(str(error))
    except OSError as error:
        stop(f"{error.filename} 无法读取({error.strerror})。查账只信日志公钥 {place.vkey}。")
    except SQLAlchemyError as error:
        # So damaged that it cannot be asked: that is a finding, not a slip of the command line.
        what = type(getattr(error, "orig", None) or error).__name__
        stop(f"{place.root} 的数据库无法读取({what}):请从备份或副本恢复后再查账。", code=1)
    if as_json:
        json.dump(_document(parts), sys.stdout, ensure_ascii=False, indent=1)
        print(flush=True)
    else:
        _print(output(), parts)
    raise typer.Exit(1 if any(part.problems_total for part in parts) else 0)


def _sm2(place: DataDir, given: Sequence[str]) -> list[Sm2NoteVerifier]:
    """The SM2 keys whose lines are checked. Raises OSError, KeyMalformed."""
    if not given and place.sm2_vkey.exists():
        given = [str(place.sm2_vkey)]
    check = fast_verify() if given else None
    keys = [Sm2NoteVerifier.from_vkey(read_vkey(key)) for key in given]
    return [replace(key, check=check) for key in keys] if check else keys


def _verify(
    settings: Settings,
    vkey: str,
    against: Path | None,
    tiles: Path | None,
    sm2: Sequence[Sm2NoteVerifier],
) -> list[Part]:
    # (1) checkpoints and files first: a log in service only grows after they were read.
    published = _published(settings, tiles)
    paths = [against] if against else []
    if settings.outside_checkpoint.exists():
        paths.append(settings.outside_checkpoint)
    kept_outside = [(path, read_checkpoint(settings.database, path, vkey, sm2)) for path in paths]
    report = _derive(settings, vkey, sm2)  # (2)
    problems = []
    for path, found in kept_outside:  # (3)
        if isinstance(found, Problem):
            problems.append(found)
        elif problem := compare(settings.database, found, path):
            problems.append(problem)
    outside = Part(
        "outside", "库外检查点", {"checkpoints": len(paths)}, tuple(problems), len(problems)
    )
    parts = [
        _part("ledger", "账本与日志", report.ledger),
        _part("state", "结算单与账本对照", report.state),
        outside,
    ]
    if published is not None:  # (4)
        with progress_bar("核对已发布的文件") as told:
            files = verify_published(settings.database, vkey, published, progress=told)
        parts.append(_part("files", f"已发布的文件({published.root})", files))
    return parts


def _published(settings: Settings, tiles: Path | None) -> Published | None:
    """What lies in the directory named, or in the one that the settings publish to."""
    if tiles is not None:
        return survey(tiles, tiles if (tiles / "tile" / "entries").exists() else None)
    root, entries = settings.tiles_dir, settings.entries_dir
    # Before anything is signed, or cosigned as the quorum asks, nothing is published.
    if not settings.publish_tiles or not root.is_dir() or not any(root.iterdir()):
        return None
    return survey(root, entries if entries.exists() else None)


def _part(name: str, title_zh: str, report: Report) -> Part:
    return Part(name, title_zh, report.checked, report.problems, report.problems_total)


def _derive(settings: Settings, vkey: str, sm2: Sequence[Sm2NoteVerifier]) -> StoreReport:
    with progress_bar("查账") as told:
        return verify_store(
            settings.database,
            settings.keys_dir,
            vkey,
            production=settings.environment is Environment.PRODUCTION,
            check_answer=check_answer,
            progress=told,
            witness_dates={w.key.vkey: w.dates for w in witness_policy(settings).witnesses},
            sm2=sm2,
        )


def _print(console: Console, parts: list[Part]) -> None:
    for part in parts:
        bad = part.problems_total > 0
        mark = Text("✗ ", style="red") if bad else Text("✓ ", style="green")
        counts = Text(counted(part.checked), overflow="fold")
        console.print(mark.append(part.title_zh, style="bold"))
        console.print(Padding(counts, (0, 0, 0, 4)))
        for problem in part.problems[:SHOWN_MAX]:
            words = f"    {meaning(problem.code)} [{problem.code}]  {problem.where}"
            console.print(Text(words, style="red"))
            console.print(f"      {problem.what}", markup=False)
            console.print(f"      → {to_do(problem.do)}", markup=False, style="yellow")
        if len(part.problems) > SHOWN_MAX:
            console.print(f"    …… 另有 {len(part.problems) - SHOWN_MAX} 处,用 --json 查看")
    total = sum(part.problems_total for part in parts)
    if total:
        console.print(
            f"查账发现 {total} 处问题。请先停止写入,再按上面的提示处理。", style="bold red"
        )
    else:
        console.print("查账通过。", style="bold green")


def _document(parts: list[Part]) -> dict[str, object]:
    checked = {
        f"{part.name}.{what}": count for part in parts for what, count in part.checked.items()
    }
    total = sum(part.problems_total for part in parts)
    return {
        "ok": total == 0,
        "checked": sum(checked.values()),
        "by_kind": checked,
        "problems_total": total,
        "problems": [
            {
                "in": part.name,
                "code": p.code,
                "where": p.where,
                "what": p.what,
                "do": p.do,
                "what_zh": meaning(p.code),
                "do_zh": to_do(p.do),
            }
            for part in parts
            for p in part.problems
        ],
    }
