"""Every example in the package's docstrings runs."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import s3prod

OTHERS = ("_native", "_server", "history", "matrix", "pytest_plugin", "plans", "__main__")
MODULES = [
    module.name
    for module in pkgutil.walk_packages(s3prod.__path__, "s3prod.")
    if module.name.split(".")[1] not in OTHERS
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL
    failed, _ = doctest.testmod(module, optionflags=flags, verbose=False)
    assert failed == 0
    assert module.__doc__
