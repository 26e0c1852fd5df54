"""Every command of the README is run: what its `$` lines and its Python example say is what happens."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s3prod.store import EmbeddedStore

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
MAKE = ("make run", "make test", "make build driver-go", "make kill-matrix", "make bench")  # only resolved here
RUNNER = "python3 scripts/test-runner.py"  # without --test: long, so that it only lists its tests here
COMMANDS = re.findall(r"^\$ (.+)$", README, re.MULTILINE)
SERVE, CLIENTS = re.findall(r"```sh\n(s3prod serve .*?|export AWS_.*?)```", README, re.DOTALL)
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
    if command.startswith(RUNNER) and "--test " not in command and "--list-tests" not in command:
        shell += " --list-tests"
    done = subprocess.run(
        ["bash", "-c", f"export PATH={bin_dir}:$PATH; {shell}"], cwd=ROOT, capture_output=True, text=True, timeout=1200
    )
    assert done.returncode == expected, f"{done.stdout[-3000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_python_example(example):
    with EmbeddedStore() as store:
        names = {"ENDPOINT": store.endpoint, "ACCESS_KEY": store.access_key, "SECRET_KEY": store.secret_key}
        exec(compile(example, "README.md", "exec"), names)


def test_other_clients_do_what_the_readme_shows():
    clients = ROOT / "build" / "clients" / "bin"
    assert shutil.which("s5cmd", path=clients), "build/clients: no s5cmd; `make test` installs it"
    serve = shutil.which("s3prod", path=Path(sys.executable).parent)
    assert serve is not None
    with subprocess.Popen([serve, *SERVE.split()[1:]], stdout=subprocess.PIPE, cwd=ROOT) as store:
        try:
            assert store.stdout is not None and store.stdout.readline().startswith(b'{"endpoint"')
            script = f"export PATH={clients}:$PATH\n{CLIENTS}"
            done = subprocess.run(["bash", "-ec", script], cwd=ROOT, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
            for line in ("make_bucket: lake", "docs/semantics.md", "rm s3://lake/readme", "rb s3://lake"):
                assert line in done.stdout
        finally:
            store.terminate()
        assert store.wait(30) == 0
