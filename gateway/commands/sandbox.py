"""`yrd sandbox PROVINCE`: one stand-in regional platform, until it is told to stop."""

from __future__ import annotations

import tempfile
import tomllib
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from adapters.sandbox.command import run as run_sandbox
from adapters.sandbox.faults import FaultSpecError
from adapters.sandbox.provinces import PROVINCES
from adapters.sandbox.server import NotInProduction
from adapters.sm.selection import SmUnavailable
from gateway.clock import SystemClock
from gateway.commands.terminal import follow_stdin, kept, notes, stop
from gateway.config import ConfigError, load_settings
from gateway.demo.house import READY
from gateway.demo.layout import DataDir, create_data_dir
from gateway.ids import SystemIds
from gateway.policy_files import POLICY_DIR


def run(
    *, province: str, data: Path | None, port: int | None, faults: list[str], follow: bool
) -> None:
    """Serve one platform; without a data directory, on a temporary one."""
    if province not in PROVINCES:
        stop(f"没有 {province} 的平台;可用:{'、'.join(sorted(PROVINCES))}。")
    if follow:
        follow_stdin()
    with ExitStack() as stack:
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yrd-"))) / "data"
            create_data_dir(data, now=SystemClock().now(), random=SystemIds().salt)
            notes().print(f"临时数据目录 {data}(结束后删除)", markup=False)
        place = kept(data, command=f"sandbox {province}")
        try:
            _run(place, province, port, faults)
        except (ConfigError, NotInProduction, FaultSpecError, SmUnavailable) as error:
            stop(str(error))
        except FileNotFoundError as error:
            stop(f"{error.filename} 不存在:该数据目录由旧版本建立,请新建一个(--keep、--init)。")
        except OverflowError:
            stop(f"--port 应在 0–65535 之间,写的是 {port}。")
        except OSError as error:
            stop(f"{province} 平台无法启动({error.strerror})。端口被占用时可用 --port 0。")


def _run(place: DataDir, province: str, port: int | None, faults: list[str]) -> None:
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
        faults=faults,
        # Each platform is a witness of this directory's log.
        witness_logs=[place.vkey.read_text(encoding="ascii").strip()],
        previous=previous,
        announce=lambda url: print(f"{READY}{url}", flush=True),
    )


def _port_of(place: DataDir, province: str) -> int:
    """The port where the gateway of this directory looks for the platform."""
    for region in load_settings(place.settings).regions.values():
        if region.profile == province:
            return urlsplit(region.base_url).port or 0
    return 0
