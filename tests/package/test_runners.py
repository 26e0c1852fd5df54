"""What `run_plan` makes of a checker that cannot judge: one line, and the history is kept."""

import pytest

from s3prod import runners
from s3prod.errors import RunError
from s3prod.plan import Group, Plan, put
from s3prod.target import Target

PLAN = Plan("p", groups=[Group("g", [put("a")])])
TARGET = Target(("http://127.0.0.1:1",), "key", "secret")


@pytest.mark.parametrize("kind", [RuntimeError, ValueError, OSError, MemoryError])
def test_a_checker_that_gives_up_is_one_line(tmp_path, monkeypatch, kind):
    def give_up(history):
        raise kind("the memory bound of 1024 MiB is too small")

    def carry_out(plan, target, history, progress):
        history.write_bytes(b"kept")
        return {}

    monkeypatch.setitem(runners.RUNNERS, "native", carry_out)
    monkeypatch.setattr(runners, "check", give_up)
    with pytest.raises(RunError, match="1024 MiB is too small") as caught:
        runners.run_plan(PLAN, TARGET, out=tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "out" / "history.s3ph").read_bytes() == b"kept"
