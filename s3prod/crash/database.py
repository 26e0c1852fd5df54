"""LMDB's own look at its file: a compacting copy walks every page and counts those that nothing reaches.

A process of its own, because a file that is too short ends the one that maps it.
"""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from pathlib import Path

READ_ONLY, NO_LOCK, COMPACT = 0x20000, 0x400000, 1


def database_problems(data: Path) -> list[str]:
    """What is wrong with `data.mdb` in this directory: a line, or none."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", __file__, str(data)], capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode == 0:
        return []
    return [f"data.mdb: {done.stdout.strip() or f'the look at it ended with status {done.returncode}'}"]


def _copy(data: str) -> str:
    """What LMDB says, "" when all is well."""
    lmdb = ctypes.CDLL("liblmdb.so.0")
    lmdb.mdb_strerror.restype = ctypes.c_char_p
    env = ctypes.c_void_p()
    with tempfile.TemporaryDirectory(prefix="s3prod-crash-") as copy:
        lmdb.mdb_env_create(ctypes.byref(env))
        lmdb.mdb_env_set_maxdbs(env, 16)
        rc = lmdb.mdb_env_open(env, data.encode(), READ_ONLY | NO_LOCK, 0o600)
        if rc == 0:
            rc = lmdb.mdb_env_copy2(env, copy.encode(), COMPACT)
        lmdb.mdb_env_close(env)
    return lmdb.mdb_strerror(rc).decode() if rc != 0 else ""


if __name__ == "__main__":
    said = _copy(sys.argv[1])
    print(said)
    sys.exit(said != "")
