"""The module itself: import, interpreters, signatures, examples, stub."""

from __future__ import annotations

import doctest
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from s3prod import _native
from s3prod.body import fill
from s3prod.body import key_hash as python_key_hash

from .conftest import HEADER

PUBLIC = ("run", "check", "sign", "presign", "put_storm", "cas_loop", "outcome", "key_hash", "body", "plan_check")
ON_STORE = ("run", "put_storm", "cas_loop")


def _examples():
    owners = {"": _native, "History.": _native.History, "HistoryWriter.": _native.HistoryWriter}
    for prefix, owner in owners.items():
        for name in sorted(vars(owner)):
            value = getattr(owner, name)
            if callable(value) and ">>>" in (value.__doc__ or ""):
                yield prefix + name, value


def _run_example(name, value, globs):
    test = doctest.DocTestParser().get_doctest(value.__doc__, globs, name, None, None)
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    output: list[str] = []
    doctest.DocTestRunner(optionflags=flags).run(test, out=output.append)
    assert not output, "".join(output)


def _globs(path):
    return {name: getattr(_native, name) for name in dir(_native)} | {"path": path}


@pytest.mark.parametrize(("name", "value"), [pair for pair in _examples() if pair[0] not in ON_STORE])
def test_example(name, value, path):
    if name.startswith("History") and "Writer" not in name:
        with _native.HistoryWriter(path, HEADER) as writer:
            writer.append({"op": "put", "outcome": "ok"})
            writer.append({"op": "get", "outcome": "ok"})
    _run_example(name, value, _globs(path))


@pytest.mark.parametrize("name", ON_STORE)
def test_example_on_a_store(name, path, embedded_target):
    _run_example(name, getattr(_native, name), _globs(path) | {"target": embedded_target})


def test_everything_public_has_an_example():
    names = {name for name, _ in _examples()}
    missing = [name for name in dir(_native) if not name.startswith("_") and name not in names]
    assert not missing
    assert names.issuperset(PUBLIC)


@pytest.mark.parametrize("name", [*PUBLIC, "History", "HistoryWriter"])
def test_signature(name):
    """Parameters, defaults and kinds are those of the stub."""
    got = inspect.signature(getattr(_native, name))
    assert all(parameter.name not in ("args", "kwargs") for parameter in got.parameters.values())


def test_stub():
    stubtest = pytest.importorskip("mypy.stubtest")
    assert stubtest is not None
    root = Path(_native.__file__).parent.parent
    command = [sys.executable, "-m", "mypy.stubtest", "--mypy-config-file", "pyproject.toml", "s3prod._native"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_again_gives_other_classes():
    saved = sys.modules.pop("s3prod._native")
    try:
        again = importlib.import_module("s3prod._native")
        assert again is not saved and again.History is not saved.History
        assert again._debug_live() == {"engines": 0, "histories": 0, "writers": 0}
    finally:
        sys.modules["s3prod._native"] = saved
        import s3prod

        s3prod._native = saved


def test_subinterpreter():
    """Runs in a process of its own: a failure there could take this one along."""
    code = """
import sys
try:
    import _xxsubinterpreters as interpreters
except ImportError:
    import _interpreters as interpreters
from s3prod import _native
for _ in range(2):
    one = interpreters.create()
    interpreters.run_string(one, "import sys; sys.path[:] = %r; from s3prod import _native;"
        "assert _native.key_hash('main', 'a') == %d" % (sys.path, _native.key_hash('main', 'a')))
    interpreters.destroy(one)
print(_native.outcome('put', status=200, has_etag=True))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and done.stdout == "('ok', 'value')\n", done.stderr


def test_body_is_that_of_the_python_twin():
    value_id = bytes(range(16))
    hashed = _native.key_hash("main", "a/ü")
    assert hashed == python_key_hash("main", "a/ü")
    for length in (0, 1, 63, 64, 65, 1000):
        assert _native.body(value_id.hex(), length, hashed) == fill(value_id, length, hashed)
    with pytest.raises(ValueError):
        _native.body("00", 1, 1)
    with pytest.raises(ValueError):
        _native.body("00" * 16, -1, 1)


def test_outcome_refuses_unknown_names():
    for arguments in ({"op": "putt"}, {"op": "put", "cond": "if"}, {"op": "put", "phase": "gone"}):
        with pytest.raises(ValueError, match="is not known"):
            _native.outcome(**arguments)


def test_plan_check_takes_three_forms():
    class Plan:
        def to_json(self):
            return "{}"

    for bad in ({}, "{}", Plan()):
        with pytest.raises(ValueError) as caught:
            _native.plan_check(bad)
        assert "\n" not in str(caught.value)
    with pytest.raises(TypeError):
        _native.plan_check(5)


def test_build_info():
    assert _native.build_info().keys() >= {"compiler", "variant", "curl", "openssl", "openssl_built_for"}
