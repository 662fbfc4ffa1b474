"""Thousands of sockets at once: the limit of open files, raised as far as the system lets us."""

from __future__ import annotations

import resource


def many_open_files() -> int:
    """How many this process may have open now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
