"""The native side of s3prod (csrc/py): engine, checker, history, signer."""

from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from types import TracebackType
from typing import Any, Protocol, Self, TypeAlias, final

class _ToJson(Protocol):
    def to_json(self) -> str: ...

_Document: TypeAlias = dict[str, Any] | str | _ToJson
_Path: TypeAlias = str | PathLike[str]

def run(
    plan: _Document,
    target: _Document,
    *,
    history: _Path | None = None,
    progress: Callable[[dict[str, Any]], object] | None = None,
    histograms: bool = True,
) -> dict[str, Any]:
    """Carries a plan out and gives its metrics."""

def check(
    history: _Path,
    *,
    profile: _Document | None = None,
    threads: int = 0,
    memory_bytes: int = 0,
    max_witnesses: int = 0,
) -> dict[str, Any]:
    """Judges a recorded history and gives the verdict."""

def put_storm(
    target: _Document, *, clients: int = 32, puts: int = 1000, size: int = 1024, seed: int = 1
) -> dict[str, dict[str, Any]]:
    """Puts objects by many clients at once, reads each back, lists and removes them, and judges it."""

def cas_loop(target: _Document, *, clients: int = 8, commits: int = 20, seed: int = 1) -> dict[str, dict[str, Any]]:
    """Has clients increment one counter by compare-and-swap, and judges it."""

def sign(
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    access_key: str,
    secret_key: str,
    region: str = "us-east-1",
    session_token: str | None = None,
    payload_hash: str = "UNSIGNED-PAYLOAD",
    date: str | None = None,
) -> dict[str, str]:
    """The headers to send with an S3 request, signed with SigV4; names in lower case."""

def presign(
    method: str,
    url: str,
    *,
    access_key: str,
    secret_key: str,
    region: str = "us-east-1",
    session_token: str | None = None,
    expires: int = 3600,
    date: str | None = None,
) -> str:
    """The URL with a signature in its query."""

def chunked(
    data: bytes,
    *,
    mode: str,
    checksum: str = "",
    access_key: str,
    secret_key: str,
    region: str = "us-east-1",
    seed: str,
    date: str,
) -> bytes:
    """The body in aws-chunked form, in frames of 64 KiB, after a head with the signature `seed`."""

def outcome(
    op: str,
    *,
    cond: str = "",
    phase: str = "answered",
    status: int = 0,
    code: str = "",
    error_document: bool = False,
    has_etag: bool = False,
    body_complete: bool = True,
) -> tuple[str, str]:
    """What the end of an attempt means: names of outcome and evidence."""

def key_hash(role: str | bytes, key: str | bytes, /) -> int:
    """The hash of bucket role and key that the first cell of a body holds."""

def body(value_id: str, length: int, key_hash: int, /) -> bytes:
    """The bytes of a body: `value_id` as 32 hex digits."""

def verify(
    data: bytes,
    key_hash: int,
    whole: bool,
    range_start: int,
    expect_len: int,
    total_len: int,
    meta_id: str,
    /,
) -> tuple[str, str, str, int, int]:
    """What the body of an answer is: verdict, id, second id, offset of the first bad cell, counter."""

def crc32c(data: bytes, value: int = 0, /) -> int:
    """CRC32C of the bytes, continued from `value`."""

def crc64nvme(data: bytes, value: int = 0, /) -> int:
    """CRC64NVME of the bytes, continued from `value`."""

def plan_check(plan: _Document, /) -> None:
    """Parses and validates a plan as the engine does; ValueError with one line when it is bad."""

def mark(history: _Path, marks: list[tuple[int, bytes, int]], /) -> int:
    """Gives every record of these keys (bucket, key) flags that make the checker leave them out."""

def build_info() -> dict[str, str]:
    """Compiler, variant and library versions, at build and as loaded."""

def _debug_live() -> dict[str, int]: ...
def _stop_all() -> None: ...

@final
class History:
    """A history file for reading: a sequence of attempts, and an Arrow stream."""

    def __new__(cls, path: _Path) -> Self: ...
    @property
    def header(self) -> dict[str, Any]:
        """The header: run, seed, plan, profile, buckets, spaces, …"""

    @property
    def complete(self) -> bool:
        """Whether the run ended by itself and nothing is missing."""

    def record(self, index: int, /) -> dict[str, Any]:
        """The attempt of that number."""

    def column(self, name: str, /) -> memoryview:
        """A copy of a column, one value an attempt; enums as numbers, see `names`; 16 bytes an attempt for ids."""

    @staticmethod
    def names(column: str, /) -> tuple[str, ...]:
        """What the numbers of an enum's column, or the bits of flags, mean."""

    def close(self) -> None:
        """Closes the file; streams that were taken go on."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> dict[str, Any]: ...
    def __iter__(self) -> Iterator[dict[str, Any]]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The columns as an Arrow stream, not copied."""

    def _text_stream(self) -> object: ...

@final
class HistoryWriter:
    """Writes a history file, which must not exist; for runners that send requests by other means."""

    def __new__(cls, path: _Path, header: _Document, workers: int = 1) -> Self: ...
    def append(self, record: dict[str, Any] | str, worker: int = 0) -> None:
        """Appends an attempt: a dict or a JSON line."""

    def close(self, complete: bool = True) -> None:
        """Writes what is left and the footer."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None, /
    ) -> None: ...
