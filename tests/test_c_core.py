"""The C core's own tests: every test of the debug build, and the brute-force oracle at full size in the release build."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _binary(variant: str) -> Path:
    path = ROOT / "build" / "c" / variant / "s3p-test"
    assert path.exists(), f"{path} is missing: run `make -C csrc VARIANT={variant} all`"
    return path


def _names(variant: str) -> list[str]:
    return subprocess.run([_binary(variant), "-l"], check=True, capture_output=True, text=True).stdout.split()


def _run(variant: str, *prefixes: str) -> str:
    done = subprocess.run([_binary(variant), *prefixes], cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    return done.stdout


def test_debug_build():
    names = _names("debug")
    assert len(names) > 100
    assert f"{len(names)} passed, 0 failed" in _run("debug")


@pytest.mark.parametrize("name", [name for name in ("oracle",)])
def test_oracle_at_full_size(name):
    """At least 400,000 random histories against the brute-force search, with no disagreement."""
    assert " 0 failed" in _run("release", name)


def test_every_switch_that_breaks_the_checker_is_noticed():
    """Each flipped comparison and dropped rule (csrc/check/mutate.h) makes a test of the checker fail."""
    done = subprocess.run([_mutants()], cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0 and " 0 survive" in done.stdout, done.stdout


def _mutants() -> Path:
    path = ROOT / "build" / "c" / "debug" / "s3p-check-mutants"
    assert path.exists(), f"{path} is missing: run `make -C csrc VARIANT=debug all`"
    return path


FUZZ_TARGETS = sorted(path.stem for path in (ROOT / "csrc" / "tests").glob("*/fuzz_*.c"))


@pytest.mark.parametrize("target", FUZZ_TARGETS)
def test_kept_inputs_of_fuzz_targets(target):
    """Each target has inputs that are kept, and runs on all of them."""
    inputs = sorted((ROOT / "csrc" / "tests" / "corpus" / target).iterdir())
    binary = ROOT / "build" / "c" / "debug" / "replay" / target
    assert binary.exists(), f"{binary} is missing: run `make -C csrc VARIANT=debug replay`"
    done = subprocess.run([binary, *inputs], capture_output=True, text=True, timeout=600)
    assert (done.returncode, done.stdout) == (0, f"{len(inputs)} inputs\n"), done.stderr
