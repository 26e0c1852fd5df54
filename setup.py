"""Builds the two extension modules. Metadata is in pyproject.toml.

The C core is built by csrc/Makefile (one build system for the library, the test binary and the tools); this file compiles
the bindings in csrc/py and links them to the static library. Toggles: S3PROD_VARIANT=release|debug|asan|tsan.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).resolve().parent
VARIANT = os.environ.get("S3PROD_VARIANT", "release")
SANITIZE = {"asan": ["-fsanitize=address,undefined"], "tsan": ["-fsanitize=thread"]}.get(VARIANT, [])
DEBIAN = {
    "libcurl": "libcurl4-openssl-dev",
    "libcrypto": "libssl-dev",
    "libssl": "libssl-dev",
    "expat": "libexpat1-dev",
    "jansson": "libjansson-dev",
    "zlib": "zlib1g-dev",
    "libmicrohttpd": "libmicrohttpd-dev",
    "lmdb": "liblmdb-dev",
}
NATIVE_LIBS = ["libcurl", "libssl", "libcrypto", "expat", "jansson", "zlib"]
SERVER_LIBS = ["libmicrohttpd", "lmdb", "expat", "libssl", "libcrypto", "jansson"]


def pkg_config(option: str, names: list[str]) -> list[str]:
    tool = os.environ.get("PKG_CONFIG", "pkg-config")
    for name in names:
        if shutil.which(tool) is None or subprocess.run([tool, "--exists", name]).returncode != 0:
            sys.exit(f"s3prod: library {name} was not found by {tool}: install the Debian package {DEBIAN[name]}")
    return subprocess.run([tool, option, *names], check=True, capture_output=True, text=True).stdout.split()


def extension(name: str, sources: list[str], libs: list[str]) -> Extension:
    archive = f"build/c/{VARIANT}/libs3p.a"
    return Extension(
        name,
        sources=sources,
        depends=[archive, *map(str, sorted((ROOT / "csrc").glob("*/*.h")))],
        include_dirs=["csrc", "build/gen"],
        define_macros=[("_GNU_SOURCE", "1"), ("S3P_VARIANT", f'"{VARIANT}"')],
        extra_compile_args=[
            "-std=gnu11",
            "-g",
            "-fvisibility=hidden",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wno-missing-field-initializers",
            *SANITIZE,
            *pkg_config("--cflags", libs),
        ],
        extra_link_args=[archive, *SANITIZE, "-Wl,--exclude-libs,ALL", *pkg_config("--libs", libs), "-lpthread", "-lm"],
    )


class BuildExt(build_ext):
    def run(self) -> None:
        subprocess.run(["make", "-s", "-C", "csrc", f"VARIANT={VARIANT}", "-j2", "lib"], cwd=ROOT, check=True)
        data = ROOT / "s3prod" / "data"
        data.mkdir(exist_ok=True)
        shutil.copyfile(ROOT / "csrc/s3/outcomes.json", data / "outcomes.json")
        super().run()


SERVER_SOURCE = "csrc/py/server_module.c"
BINDINGS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "csrc/py").glob("*.c"))
native_sources = [source for source in BINDINGS if source != SERVER_SOURCE]

setup(
    ext_modules=[
        extension("s3prod._native", native_sources, NATIVE_LIBS),
        extension("s3prod._server", [SERVER_SOURCE], SERVER_LIBS),
    ],
    cmdclass={"build_ext": BuildExt},
)
