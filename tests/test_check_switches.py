"""Comparisons of the checker have a switch (csrc/check/mutate.h), or tests/unswitched.toml says why not."""

import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tools"))
import check_switches  # noqa: E402

BODY = "static bool f(int a, int b)\n{\n    %s\n}\n"


def test_every_comparison_without_a_switch_is_stated():
    stated = Counter[str]()
    for functions in tomllib.loads((ROOT / "tests" / "unswitched.toml").read_text()).values():
        stated.update(functions)
    found = Counter(check_switches.of_checker())
    assert found - stated == Counter(), "give it a switch that a test notices, or a reason in tests/unswitched.toml"
    assert stated - found == Counter(), "tests/unswitched.toml has rows that are not needed any more"


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("return a < b;", 1),
        ("return x->t <= (b + 1) && g(a > b, b);", 2),
        ("if (a >= b)\n        return true;", 1),
        ("if (S3P_ON(NAME, a < b))\n        return true;", 1),
        ("return S3P_MUT(S3P_MUT_NAME, a < b, a <= b);", 0),
        ("return S3P_LT(NAME, a, b);", 0),
        ("for (int i = 0; i < b; i++)\n        a++;", 0),
        ("while (a < b)\n        a++;", 0),
        ("return a < b ? a : b;", 0),
        ("return a < b ? b : c;", 1),
        ("if (a < x->b[1])\n        x->b[1] = a;", 0),
        ("if (a < x->b[1])\n        x->b[2] = a;", 1),
        ("return (a > b) - (a < b);", 0),
        ("return a < b ? -1 : 1;", 0),
        ("return a < x->cap;", 0),
        ("return a->b == c << 2; /* a < b */", 0),
    ],
)
def test_what_counts_as_a_comparison(code: str, number: int):
    assert check_switches.unswitched(BODY % code)["f"] == number
