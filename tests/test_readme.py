"""Every command of the README is run: what its `$` lines and its Python example say is what happens."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from s3prod.store import EmbeddedStore

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
MAKE = ("make run", "make test", "make kill-matrix", "make bench")  # long: their recipes are only resolved here
COMMANDS = re.findall(r"^\$ (.+)$", README, re.MULTILINE)
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_readme_names_the_two_commands():
    assert "make run" in COMMANDS and "make test" in COMMANDS


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("make ")])
def test_make_target_resolves(command):
    assert command in MAKE
    done = subprocess.run([*command.split(), "-n"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.startswith("make ")])
def test_command_does_what_the_readme_shows(command, tmp_path):
    expected = 1 if "--mutant" in command else 0
    bin_dir = Path(sys.executable).parent
    shell = f"export PATH={bin_dir}:$PATH; {command} --report-dir {tmp_path}" if "pytest" in command else command
    shell = shell.replace("pytest ", "pytest -p no:cacheprovider ", 1)
    done = subprocess.run(
        ["bash", "-c", f"export PATH={bin_dir}:$PATH; {shell}"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == expected, f"{done.stdout[-3000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_python_example(example):
    with EmbeddedStore() as store:
        names = {"ENDPOINT": store.endpoint, "ACCESS_KEY": store.access_key, "SECRET_KEY": store.secret_key}
        exec(compile(example, "README.md", "exec"), names)
