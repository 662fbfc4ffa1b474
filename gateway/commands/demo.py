"""`yrd demo`: the house on a temporary or kept directory, the story, its proofs, the verdict."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

import typer
from rich.console import Console

from adapters.connection import Clocks
from gateway.clock import SystemClock
from gateway.commands.terminal import notes, output, stop
from gateway.conformance.every_stand_in import try_every_stand_in
from gateway.conformance.report import summary, total
from gateway.counter.client import CallFailed
from gateway.demo.document import document
from gateway.demo.house import House, HouseFailed
from gateway.demo.layout import PROVINCES, DataDir, DirectoryInUse, create_data_dir
from gateway.demo.proofs import audit, balances, export, prove, search_for_people
from gateway.demo.scenario import Stage, play
from gateway.demo.show import show
from gateway.demo.story import Story
from gateway.ids import SystemIds

NO_SM2 = (
    "本机没有可签名的 SM2:演示中上海平台明确改用 envelope-sm3,报文不加密"
    "(见数据目录 profiles/shanghai.toml);正式网关不会这样改,只会拒绝启动。"
)


def run(*, as_json: bool, keep: Path | None) -> None:
    """Run the demonstration; exit code 0 only if every promise held."""
    if os.environ.get("YRD_ENVIRONMENT") == "production":
        stop("生产环境不运行演示(YRD_ENVIRONMENT=production)。")
    signal.signal(signal.SIGTERM, _as_exit)
    console, story = notes(), Story()
    with ExitStack() as stack:
        root = (
            keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yrd-"))) / "data"
        )
        try:
            now, random = SystemClock().now(), SystemIds().salt
            place = create_data_dir(root.absolute(), now=now, random=random, agreements=True)
            if any(place.profile(name).exists() for name in PROVINCES.values()):
                console.print(NO_SM2, style="yellow")
            _tell(place, story, console)
        except DirectoryInUse:
            hint = f"已有的数据可直接用:./yrd settle FILE --data {root}。"
            stop(f"{root} 不是空目录:请换一个目录,或先删除它。{hint}")
        except HouseFailed as failed:
            stop(str(failed))
        except OSError as error:
            stop(f"{root} 无法写入({error.strerror}):请换一个目录。")
    kept = keep.absolute() if keep else None
    if as_json:
        json.dump(document(story, kept=kept), sys.stdout, ensure_ascii=False, indent=1)
        print(flush=True)
        for promise in story.broken:
            console.print(f"✗ {promise}", style="red", markup=False)
    else:
        show(output(), story, kept=kept)
    raise typer.Exit(1 if story.broken else 0)


def _tell(place: DataDir, story: Story, console: Console) -> None:
    started = time.monotonic()
    with console.status("启动三地平台与网关 ……") as status, ExitStack() as stack:

        def say(text: str) -> None:
            status.update(f"{text} ……")

        house = stack.enter_context(House(place, lambda text: console.print(text, style="dim")))
        stage = Stage(house, story, stack.enter_context(ExitStack()), say)
        try:
            play(stage)
            prove(stage)
        except CallFailed as failed:
            f = failed.failure
            story.expect(False, f"调用失败:{f.status} {f.reason} {f.text_zh}")
        house.check()
        stack.close()
        say("查账")
        audit(place, story)
        balances(place, story)
        say("导出日志,由不含本系统代码的程序核验")
        export(place, story)
        search_for_people(place, story, say)
        say("在各省仿真平台上做一致性检验")
        _try_platforms(story)
    story.milliseconds = int((time.monotonic() - started) * 1000)


def _try_platforms(story: Story) -> None:
    clock, ids = SystemClock(), SystemIds()
    clocks = Clocks(clock.now, clock.monotonic)
    reports = asyncio.run(try_every_stand_in(clocks, ids.salt))
    story.platforms_tried = len(reports)
    story.platforms_conform = sum(report.conforms for report in reports)
    story.conformance_zh = summary(reports)
    for report in reports:
        story.expect(report.conforms, total(report))


def _as_exit(number: int, _: FrameType | None) -> None:
    """SIGTERM ends the demonstration like Ctrl-C: everything that was started ends first."""
    raise SystemExit(128 + number)
