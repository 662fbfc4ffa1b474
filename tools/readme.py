"""What the READMEs say the demo prints: taken from a real run, never typed.

`./yrd generate --readme` writes it; tests/integration/house/test_readme.py runs the demo and
compares, with what changes from run to run (message ids, hashes, seconds, counts) masked.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "README.zh-CN.md")
BLOCK = re.compile(r"(?<=<!-- demo: begin -->\n).*?(?=<!-- demo: end -->)", re.DOTALL)
CHANGING = re.compile(
    r"H00\d{9}\d{18}|(?<=\.example/)[0-9a-f]+|(?<=根 )[0-9a-f]+|\d+\.\d(?= 秒)|\d+(?= [项条])"
)
COLUMNS = "100"


def run_demo() -> str:
    """The demo's standard output as a person without colours sees it."""
    environment = {**os.environ, "COLUMNS": COLUMNS, "NO_COLOR": "1"}
    environment.pop("YRD_DATA", None)
    run = subprocess.run(
        [HOME / "yrd", "demo"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return "\n".join(line.rstrip() for line in run.stdout.strip("\n").splitlines())


def fenced(printed: str) -> str:
    """The output as a Markdown block."""
    return f"```\n{printed}\n```\n"


def masked(text: str) -> str:
    """The same text with what differs from run to run taken out, and the padding beside it."""
    return re.sub(r" +", " ", CHANGING.sub("…", text))


def block_of(page: str) -> str:
    """What a README says that the demo prints."""
    found = BLOCK.search((HOME / page).read_text(encoding="utf-8"))
    return found.group() if found else ""


def rewrite() -> None:
    """Run the demo and put what it prints into both READMEs."""
    block = fenced(run_demo())
    for page in PAGES:
        path = HOME / page
        text = path.read_text(encoding="utf-8")
        path.write_text(BLOCK.sub(lambda _: block, text), encoding="utf-8")
