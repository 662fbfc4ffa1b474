"""`yrd conformance`: try the rules on a stand-in of our own, or on somebody's test platform."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from adapters import registry
from adapters.baseline.profile import ProfileError
from adapters.connection import Clocks
from adapters.sandbox.server import NotInProduction
from gateway.clock import SystemClock
from gateway.commands.terminal import notes, output, stop
from gateway.config import ConfigError, Environment, RegionTls, load_settings
from gateway.conformance.junit import junit
from gateway.conformance.on_sandbox import on_sandbox
from gateway.conformance.on_url import Elsewhere, on_url
from gateway.conformance.report import below, document, line, listed, total
from gateway.conformance.rule import Finding, Group, Outcome, Rule
from gateway.conformance.rules import ALL
from gateway.conformance.site import SiteError
from gateway.conformance.suite import Report, chosen, try_rules
from gateway.conformance.target import Target
from gateway.demo.layout import DataDir
from gateway.ids import SystemIds

NEEDED_ZH = (
    "--url 需要 --secrets FILE(签名密钥)与 --person FILE(测试人员,格式见 docs/conformance.md)。"
)
_STYLES = {
    Outcome.PASSED: "green",
    Outcome.BROKEN: "bold red",
    Outcome.DIFFERS: "yellow",
    Outcome.NOT_RUN: "dim",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says."""

    profile: str = ""
    sandbox: bool = False
    url: str = ""
    secrets: Path | None = None
    people: Path | None = None
    profile_file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    only: list[str] = field(default_factory=list)
    quick: bool = False


def run(
    wanted: Wanted, *, data: Path | None, junit_file: Path | None, as_json: bool, show: bool
) -> None:
    """Exit code 1 if a rule does not hold; 2 if nothing could be tried."""
    try:
        rules = chosen(ALL, only=wanted.only, quick=wanted.quick)
    except KeyError as error:
        stop(f"没有 {error.args[0]} 这条规则;./yrd conformance --list 列出全部。")
    if show:
        _list(rules)
        raise typer.Exit(0)
    _refuse_production(data)
    _refuse_half(wanted)
    try:
        report = asyncio.run(_tried(wanted, rules, None if as_json else output()))
    except (ConfigError, ProfileError, SiteError, NotInProduction) as error:
        stop(str(error))
    except OSError as error:
        stop(f"临时目录无法使用({error.strerror or type(error).__name__})。")
    if junit_file is not None:
        _write(junit_file, junit([report]))
    if as_json:
        json.dump(document(report), sys.stdout, ensure_ascii=False, indent=1)
        print(flush=True)
    raise typer.Exit(0 if report.conforms else 1)


def _refuse_production(data: Path | None) -> None:
    if os.environ.get("YRD_ENVIRONMENT") == Environment.PRODUCTION:
        stop("生产环境不做一致性检验(YRD_ENVIRONMENT=production):检验会真的结算与撤销。")
    if data is None or not DataDir(data).settings.is_file():
        return
    try:
        environment = load_settings(DataDir(data).settings).environment
    except ConfigError as error:
        stop(str(error))
    if environment is Environment.PRODUCTION:
        stop(f"{data} 是生产环境的数据目录,不做一致性检验:请去掉 --data 与 YRD_DATA 再执行。")


def _refuse_half(wanted: Wanted) -> None:
    known = "、".join(registry.DECLARED.values())
    if wanted.profile not in registry.DECLARED.values():
        stop(f"请用 --profile 写明省份:{known}。")
    if wanted.sandbox is bool(wanted.url):
        stop("请写明 --sandbox(自行启动仿真平台)或 --url URL(测试平台),二者取一。")
    if wanted.url and (wanted.secrets is None or wanted.people is None):
        stop(NEEDED_ZH)


async def _tried(wanted: Wanted, rules: list[Rule], console: Console | None) -> Report:
    clock, ids = SystemClock(), SystemIds()
    clocks = Clocks(clock.now, clock.monotonic)
    async with AsyncExitStack() as stack:
        target = await _target(wanted, clocks, ids, stack)
        if console is None:
            report = await try_rules(target, rules, lambda _: None)
        else:
            teller = _Teller(console)
            console.print(f"一致性检验 {target.site.name_zh}({target.profile})", style="bold")
            report = await try_rules(target, rules, teller)
            console.print()
            console.print(total(report), style="bold" if report.conforms else "bold red")
        return report


async def _target(wanted: Wanted, clocks: Clocks, ids: SystemIds, stack: AsyncExitStack) -> Target:
    if wanted.sandbox:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yrd-")))
        return await stack.enter_async_context(
            on_sandbox(wanted.profile, place, clocks, ids.salt, profile_file=wanted.profile_file)
        )
    if wanted.secrets is None or wanted.people is None:
        stop(NEEDED_ZH)
    if (wanted.certificate is None) is not (wanted.key is None):
        stop("--certificate 与 --key 须一并写明。")
    files = {"ca": wanted.ca, "certificate": wanted.certificate, "key": wanted.key}
    given = Elsewhere(
        wanted.url,
        wanted.secrets,
        wanted.people,
        wanted.profile_file,
        RegionTls.model_validate(files) if any(files.values()) else None,
    )
    first = int.from_bytes(ids.bytes(2), "big")
    return on_url(wanted.profile, given, clocks, first)


class _Teller:
    """Prints each finding as it comes, under the name of its group."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._group: Group | None = None

    def __call__(self, found: Finding) -> None:
        if found.rule.group is not self._group:
            self._group = found.rule.group
            self._console.print(Text(f"\n{self._group}", style="bold"))
        self._console.print(Text(line(found), style=_STYLES[found.outcome]), soft_wrap=True)
        for text in below(found):
            self._console.print(Text(f"      {text}"), soft_wrap=True)


def _list(rules: list[Rule]) -> None:
    console = output()
    for rule in rules:
        first, *rest = listed(rule)
        console.print(Text(first, style="bold"), soft_wrap=True)
        for text in rest:
            console.print(Text(f"    {text}", style="dim"), soft_wrap=True)
    console.print(f"共 {len(rules)} 条", markup=False)


def _write(path: Path, text: bytes) -> None:
    try:
        path.write_bytes(text)
    except OSError as error:
        stop(f"{path} 无法写入({error.strerror})。")
    notes().print(f"JUnit 文件 {path}", markup=False)
