"""`yrd sandbox PROVINCE`: one stand-in regional platform, until it is told to stop."""

from __future__ import annotations

import sys
import tempfile
import tomllib
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import typer

from adapters.sandbox.bad_seed import BadSeed
from adapters.sandbox.command import run as run_sandbox
from adapters.sandbox.exchanges import NEWEST_KEPT
from adapters.sandbox.faults import FaultSpecError, parse_faults
from adapters.sandbox.not_in_production import NotInProduction, refuse_production
from adapters.sandbox.people import read_people
from adapters.sandbox.provinces import PROVINCES
from adapters.sandbox.seed_choice import start_anew
from adapters.sandbox.seed_files import SeedFiles, own_files, write_example
from adapters.sandbox.seeding import catalogue_files
from adapters.sm.selection import SmUnavailable
from gateway.clock import SystemClock
from gateway.commands.terminal import follow_stdin, kept, notes, output, stop
from gateway.config import ConfigError, load_settings
from gateway.demo.house import READY
from gateway.demo.layout import DataDir, create_data_dir
from gateway.ids import SystemIds
from gateway.policy_files import POLICY_DIR


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for; the options of `yrd sandbox`."""

    province: str
    port: int | None = None
    faults: list[str] = field(default_factory=list)
    seed: Path | None = None
    write_seed: Path | None = None
    reset: bool = False
    yes: bool = False
    messages: int = NEWEST_KEPT


def run(wanted: Wanted, *, data: Path | None, follow: bool) -> None:
    """Serve one platform; without a data directory, on a temporary one."""
    province = wanted.province
    if province not in PROVINCES:
        stop(f"没有 {province} 的平台;可用:{'、'.join(sorted(PROVINCES))}。")
    if wanted.write_seed is not None:
        _write_seed(wanted.write_seed, province)
        return
    if follow:
        follow_stdin()
    with ExitStack() as stack:
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yrd-"))) / "data"
            create_data_dir(data, now=SystemClock().now(), random=SystemIds().salt)
            notes().print(f"临时数据目录 {data}(结束后删除)", markup=False)
        place = kept(data, command=f"sandbox {province}")
        try:
            refuse_production(place.sandbox)
            _refuse_mistakes(wanted)
            if wanted.reset:
                _start_anew(place, province, asked=wanted.yes)
            _run(place, wanted)
        except (ConfigError, NotInProduction, FaultSpecError, SmUnavailable, BadSeed) as error:
            stop(str(error))
        except FileNotFoundError as error:
            stop(f"{error.filename} 不存在:该数据目录由旧版本建立,请新建一个(--keep、--init)。")
        except OverflowError:
            stop(f"--port 应在 0–65535 之间,写的是 {wanted.port}。")
        except OSError as error:
            stop(f"{province} 平台无法启动({error.strerror})。端口被占用时可用 --port 0。")


def _write_seed(directory: Path, province: str) -> None:
    try:
        written = write_example(directory, province, catalogue_files(POLICY_DIR))
    except BadSeed as error:
        stop(str(error))
    except OSError as error:
        stop(f"{directory} 无法写入({error.strerror})。")
    for path in written:
        output().print(str(path), markup=False, soft_wrap=True)
    notes().print(
        f"改好后:./yrd sandbox {province} --seed {directory}(已有状态时另加 --reset)",
        markup=False,
        soft_wrap=True,
    )


def _refuse_mistakes(wanted: Wanted) -> None:
    """Before anything is forgotten: raises FaultSpecError and BadSeed."""
    for text in wanted.faults:
        parse_faults(text)
    if wanted.seed is not None:
        own_files(wanted.seed)
        read_people(SeedFiles(wanted.province, wanted.seed).people, PROVINCES[wanted.province])


def _start_anew(place: DataDir, province: str, *, asked: bool) -> None:
    if not asked:
        if not sys.stdin.isatty():
            stop("--reset 会清空该平台的人员、结算与报文;没有终端可确认,请加 --yes。")
        question = f"清空 {place.sandbox} 中 {province} 的人员、结算与报文?"
        if not typer.confirm(question, default=False):
            stop("没有清空,也没有启动。")
    start_anew(province, place.sandbox)


def _run(place: DataDir, wanted: Wanted) -> None:
    province, port = wanted.province, wanted.port
    secrets = tomllib.loads(place.platform_secrets(province).read_text(encoding="utf-8"))
    previous = secrets.pop("previous", None)
    run_sandbox(
        province=province,
        host="127.0.0.1",
        port=_port_of(place, province) if port is None else port,
        state_dir=place.sandbox,
        policies_dir=POLICY_DIR,
        secrets=secrets,
        clock=SystemClock().now,
        faults=wanted.faults,
        # Each platform is a witness of this directory's log.
        witness_logs=[place.vkey.read_text(encoding="ascii").strip()],
        previous=previous,
        seed_dir=wanted.seed,
        keep_exchanges=wanted.messages,
        announce=lambda url: print(f"{READY}{url}", flush=True),
    )


def _port_of(place: DataDir, province: str) -> int:
    """The port where the gateway of this directory looks for the platform."""
    for region in load_settings(place.settings).regions.values():
        if region.profile == province:
            return urlsplit(region.base_url).port or 0
    return 0
