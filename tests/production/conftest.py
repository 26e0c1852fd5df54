"""What every production test asserts of its runs: the client stays small."""

import pytest

CLIENT_MB = 300
CLIENTS_MB = {"prefix-enumeration": 1000}  # plans whose clients may take more
# By scale. At full all that is resident counts: Python, pytest, and what was not given back by the tests before. At smoke any
# other test may run in the same process, and only what came while the plan ran counts. At stress it is told, and not judged.
COUNTED = {"smoke": "memory_mb", "full": "peak_rss_mb"}


def check_memory(run):
    """The client of a run took no more than it may. At full another SDK than ours takes what it takes."""
    limit_mb, counted = CLIENTS_MB.get(run.plan.name, CLIENT_MB), COUNTED.get(run.plan.scale)
    if counted is None or (run.plan.scale == "full" and run.runner != "native"):
        return
    taken_mb = run.metrics[counted]
    assert taken_mb <= limit_mb, (
        f"{run.plan.name}: the client took {taken_mb} MB ({counted}), at most {limit_mb} are allowed"
    )


def judged(run_plan):
    """`run_plan`, and then the client's memory is judged."""

    def run(plan):
        done = run_plan(plan)
        check_memory(done)
        return done

    return run


@pytest.fixture(name="run_plan")
def of_small_clients(run_plan):
    """The plugin's `run_plan` for clients that stay small."""
    return judged(run_plan)
