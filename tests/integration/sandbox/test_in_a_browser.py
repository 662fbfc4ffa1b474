"""The inspector in a real browser: Chromium without a screen reads the list and a message.

Needs Chromium (Debian's package `chromium`; .ci/run installs it). Its background traffic is off and
every other host is unreachable, so that it speaks to the loopback alone.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.integration.sandbox.conftest import Opener
from tests.integration.sandbox.test_faults import visited

NAMES = ("chromium", "chromium-browser", "google-chrome")
BOUND_S = 60
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--no-first-run",
    "--disable-default-apps", "--disable-domain-reliability", "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip

Show = Callable[[str], Awaitable[str]]


@pytest.fixture
def show(tmp_path: Path) -> Show:
    """`await show(url)` → the document as the browser has it."""
    found = [path for name in NAMES if (path := shutil.which(name))]
    assert found, f"no browser ({', '.join(NAMES)}): apt-get install chromium"

    async def dump(url: str) -> str:
        process = await asyncio.create_subprocess_exec(
            found[0], *QUIET, f"--user-data-dir={tmp_path / 'browser'}", "--dump-dom", url,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            out, _ = await asyncio.wait_for(process.communicate(), BOUND_S)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return out.decode()

    return dump


async def test_the_list_and_a_message_are_there_in_a_browser(opened: Opener, show: Show) -> None:
    _, hospital = await opened("zhejiang")
    _, order = await visited(hospital)
    await hospital.send("2207", order, fault="number-as-text")
    listed = await show(f"{hospital.url}/sandbox/inspector")
    assert listed.count('<tr class="ok">') == 4
    assert "浙江仿真平台" in listed
    message = await show(f"{hospital.url}/sandbox/inspector/4")
    assert 'href="/sandbox/inspector/inspector.css"' in message
    for words in ("门诊结算", "数值写成文本", "平台入账", "<details>"):
        assert words in message
