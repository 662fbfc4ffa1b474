"""慢盘: the same programs on a disk whose every fsync takes 2 ms longer, as a cloud's does.

A shared library, compiled when it is needed, stands before the C library's fsync, fdatasync and
sync_file_range (LD_PRELOAD). Without a C compiler there is none, which the report says.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ADDED_US = 2_000
_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/types.h>
#include <time.h>

static void later(void) {
    struct timespec left = {0, ADDED_US * 1000L};
    while (nanosleep(&left, &left) != 0) {}
}
int fsync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    later();
    return real(file);
}
int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    later();
    return real(file);
}
int sync_file_range(int file, off_t at, off_t length, unsigned int flags) {
    static int (*real)(int, off_t, off_t, unsigned int);
    if (!real) real = (int (*)(int, off_t, off_t, unsigned int))dlsym(RTLD_NEXT, "sync_file_range");
    if (flags & 4) later(); /* SYNC_FILE_RANGE_WAIT_AFTER: the rest only starts writing */
    return real(file, at, length, flags);
}
"""


def slow_fsync(directory: Path) -> dict[str, str] | None:
    """Environment of a process whose fsync takes longer; None where it cannot be made."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None or sys.platform != "linux":
        return None
    source, library = directory / "slow_fsync.c", directory / "slow_fsync.so"
    source.write_text(_SOURCE, encoding="ascii")
    command = [compiler, "-shared", "-fPIC", "-O2", f"-DADDED_US={ADDED_US}", "-o", str(library)]
    done = subprocess.run(
        [*command, str(source), "-ldl"], capture_output=True, timeout=60, check=False
    )
    if done.returncode:
        return None
    library.chmod(0o755)
    return {"LD_PRELOAD": str(library)}
