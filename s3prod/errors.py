"""What stops a command before there is a verdict: one line that names the field, its value and what was expected."""

from __future__ import annotations


class S3ProdError(Exception):
    """An error for people: `str(error)` is one line without a traceback. The exit status is 2."""

    exit_status = 2


class UsageError(S3ProdError):
    """A value that cannot be used.

    >>> str(UsageError("clients", 0, "1 or more"))
    'clients: 0, expected 1 or more'
    """

    def __init__(self, field: str, value: object, expected: str) -> None:
        self.field, self.value, self.expected = field, value, expected
        shown = value if isinstance(value, str) else repr(value)
        super().__init__(f"{field}: {shown}, expected {expected}" if expected else f"{field}: {shown}")


class PlanError(UsageError):
    """A plan that cannot run: an unknown step, a reference to nothing, a number out of its range."""

    @classmethod
    def of(cls, line: str) -> PlanError:
        """The error of a line that names field, value and what was expected.

        >>> str(PlanError.of("seed: -1, expected 0 or more"))
        'seed: -1, expected 0 or more'
        """
        field, _, rest = line.partition(": ")
        return cls(field, rest, "")


class TargetError(UsageError):
    """A target that cannot be addressed: a missing credential, a bad endpoint, an unknown setting."""


class StoreError(S3ProdError):
    """The embedded store did not start, or ended by itself."""


class RunError(S3ProdError):
    """A run that could not be carried out: the history could not be written, the runner refused the plan."""


class InconclusiveError(AssertionError):
    """A test that proves nothing: too little overlap, a fault that never fired, a load that was not reached. It has no verdict
    (status ERROR), and is never a pass.
    """


def one_line(text: str, limit: int = 400) -> str:
    """`text` without line breaks, cut to `limit` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
