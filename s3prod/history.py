"""Histories for other tools: an Arrow table with names and key texts, and files of it.

`s3prod._native.History` is the reader. Arrow, Parquet and CSV need the package pyarrow; JSON Lines does not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from s3prod._native import History

# Columns of offsets into a segment's own tables: their values mean nothing outside the file.
_REFERENCES = ("entries_first", "parent")
_NAMES = b"s3p:names"


def open_history(path: str | os.PathLike[str]) -> History:
    """Opens a history: `history.s3ph`, or the folder of a run that has one.

    >>> with open_history("reports/herd") as history:  # doctest: +SKIP
    ...     len(history)
    """
    path = Path(path)
    return History(path / "history.s3ph" if path.is_dir() else path)


def batches(history: History) -> Iterator[Any]:
    """The attempts as `pyarrow.RecordBatch`es, one a segment: enums and roles as dictionaries, keys and texts as text.

    Columns that are not decoded are not copied. Batch children have lost their parent, pages their entries: those are in
    JSON Lines.

    >>> for batch in batches(history):  # doctest: +SKIP
    ...     print(batch.num_rows)
    """
    pa = _pyarrow()
    header = history.header
    roles = [str(bucket["role"]) for bucket in header.get("buckets", [])]
    plain = pa.RecordBatchReader.from_stream(history)
    for columns, texts in zip(plain, pa.RecordBatchReader.from_stream(_Texts(history)), strict=True):
        yield _decode(pa, columns, texts, roles)


def to_arrow(history: History) -> Any:
    """The whole history as a `pyarrow.Table`, decoded as `batches` does.

    >>> to_arrow(history).column("op").value_counts()  # doctest: +SKIP
    """
    pa = _pyarrow()
    parts = list(batches(history))
    if parts:
        return pa.Table.from_batches(parts).unify_dictionaries()
    return pa.RecordBatchReader.from_stream(history).read_all()


def export(path: str | os.PathLike[str], to: str, out: str | os.PathLike[str]) -> None:
    """Writes a history as `arrow` (an IPC file), `parquet`, `csv` or `jsonl`.

    >>> export("reports/herd", "parquet", "herd.parquet")  # doctest: +SKIP
    """
    if to not in _EXPORTS:
        raise ValueError(f"to: {to}, expected one of {', '.join(_EXPORTS)}")
    with open_history(path) as history:
        _EXPORTS[to](history, Path(out))


class _Texts:
    """The stream of texts, for consumers of the Arrow interface."""

    def __init__(self, history: History) -> None:
        self._history = history

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._history._text_stream()


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.compute
    except ImportError:
        raise ImportError("pyarrow is not installed: `pip install pyarrow`, or export to jsonl") from None
    return pyarrow


def _decode(pa: Any, columns: Any, texts: Any, roles: list[str]) -> Any:
    """One batch: the readable form of each column, the key in front of its space."""
    arrays: dict[str, Any] = {}
    for field, column in zip(columns.schema, columns.columns, strict=True):
        metadata = field.metadata or {}
        if field.name in texts.schema.names:
            arrays[field.name] = texts.column(field.name)
        elif _NAMES in metadata:
            names = metadata[_NAMES].decode().split(",")
            arrays[field.name] = pa.DictionaryArray.from_arrays(column.cast(pa.int8()), names)
        elif field.name == "bucket" and roles:
            known = pa.compute.less(column, len(roles))
            index = pa.compute.if_else(known, column, None).cast(pa.int16())
            arrays["key"] = texts.column("key")
            arrays["bucket"] = pa.DictionaryArray.from_arrays(index, roles)
        elif field.name not in _REFERENCES:
            arrays[field.name] = column
    arrays.setdefault("key", texts.column("key"))
    return pa.RecordBatch.from_pydict(arrays, metadata=columns.schema.metadata)


def _hexed(pa: Any, batch: Any) -> Any:
    """The batch with 16-byte columns as text, since CSV has no bytes; flags as they are, dictionaries resolved."""
    arrays = {}
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_fixed_size_binary(field.type):
            column = pa.array([value.hex() for value in column.to_pylist()], pa.string())
        elif pa.types.is_dictionary(field.type):
            column = column.dictionary_decode()
        arrays[field.name] = column
    return pa.RecordBatch.from_pydict(arrays)


def _to_jsonl(history: History, out: Path) -> None:
    with out.open("w", encoding="utf-8") as file:
        for record in history:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _to_csv(history: History, out: Path) -> None:
    pa = _pyarrow()
    from pyarrow import csv

    parts = [_hexed(pa, batch) for batch in batches(history)]
    table = pa.Table.from_batches(parts) if parts else to_arrow(history)
    csv.write_csv(table, out)


def _to_parquet(history: History, out: Path) -> None:
    _pyarrow()
    from pyarrow import parquet

    parquet.write_table(to_arrow(history), out)


def _to_arrow_file(history: History, out: Path) -> None:
    pa = _pyarrow()
    table = to_arrow(history)
    with pa.OSFile(str(out), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


_EXPORTS: dict[str, Callable[[History, Path], None]] = {
    "arrow": _to_arrow_file,
    "parquet": _to_parquet,
    "jsonl": _to_jsonl,
    "csv": _to_csv,
}
