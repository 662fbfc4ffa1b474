"""沙箱: stand-in regional platforms, one per province, for demo and tests.

`Sandbox` runs one in this process; `run` is the blocking command. Never in production.
"""

from __future__ import annotations

from adapters.sandbox.command import run
from adapters.sandbox.server import Sandbox

__all__ = ["Sandbox", "run"]
