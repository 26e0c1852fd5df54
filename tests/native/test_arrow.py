"""The Arrow interface, judged by pyarrow and nanoarrow; and the views made of it."""

from __future__ import annotations

import csv
import gc
import json
from pathlib import Path

import pytest

pa = pytest.importorskip("pyarrow")

from s3prod import _native  # noqa: E402
from s3prod import history as views  # noqa: E402
from s3prod._native import History, HistoryWriter  # noqa: E402

from .conftest import HEADER, SEGMENT, records  # noqa: E402


def test_table_of_columns(written):
    with History(written) as history:
        table = pa.table(history)
    table.validate(full=True)
    assert table.num_rows == 20_000
    assert table.column("op").num_chunks == 3
    assert table.column("t_call").to_pylist() == list(range(1, 20_001))
    assert table.schema.field("body_id").type == pa.binary(16)
    assert json.loads(table.schema.metadata[b"s3p:header"]) == HEADER
    assert b"put" in table.schema.field("op").metadata[b"s3p:names"]
    assert b"truncated" in table.schema.field("flags").metadata[b"s3p:flags"]


def test_nothing_is_copied(written):
    """The columns' buffers are the mapped file: pyarrow's pools stay empty, addresses are aligned."""
    history = History(written)
    before = pa.total_allocated_bytes()
    batch = next(iter(pa.RecordBatchReader.from_stream(history)))
    assert pa.total_allocated_bytes() - before < 10_000
    assert all(column.buffers()[1].address % 64 == 0 for column in batch.columns)


def test_export_outlives_the_history(written):
    history = History(written)
    batch = next(iter(pa.RecordBatchReader.from_stream(history)))
    column = batch.column("t_call")
    history.close()
    del history, batch
    gc.collect()
    assert column[SEGMENT - 1].as_py() == SEGMENT


def test_capsule_is_used_once(written):
    history = History(written)
    capsule = history.__arrow_c_stream__()
    assert type(capsule).__name__ == "PyCapsule" and '"arrow_array_stream"' in repr(capsule)
    pa.RecordBatchReader._import_from_c_capsule(capsule).close()
    with pytest.raises(pa.ArrowInvalid):
        pa.RecordBatchReader._import_from_c_capsule(capsule)
    del capsule
    unused = history.__arrow_c_stream__()  # released by its destructor
    del unused


def test_requested_schema(written):
    history = History(written)
    wanted = pa.schema([("t_call", pa.int32())])
    assert pa.RecordBatchReader.from_stream(history, wanted.empty_table().schema).schema is not None
    assert history.__arrow_c_stream__(requested_schema=wanted.__arrow_c_schema__()) is not None
    with pytest.raises(TypeError):
        history.__arrow_c_stream__(requested_schema=5)


def test_closed_history_has_no_stream(written):
    history = History(written)
    history.close()
    with pytest.raises(ValueError, match="closed"):
        history.__arrow_c_stream__()
    with pytest.raises(ValueError, match="closed"):
        history._text_stream()


def test_nanoarrow(written):
    na = pytest.importorskip("nanoarrow")
    stream = na.ArrayStream(History(written))
    assert len(stream.schema.fields) == len(pa.table(History(written)).schema)
    assert sum(len(chunk) for chunk in stream) == 20_000


def test_decoded_view_equals_the_records(written):
    with History(written) as history:
        table = views.to_arrow(history)
        table.validate(full=True)
        for i in (0, 1, 2, 15, SEGMENT, 19_999):
            record, row = history.record(i), {name: table.column(name)[i].as_py() for name in table.column_names}
            assert (
                row["op"] == record["op"] and row["outcome"] == record["outcome"] and row["bucket"] == record["bucket"]
            )
            assert row["key"] == record["key"] and row["request_id"] == record.get("request_id")
            assert row["code_text"] == record.get("code_text")
            assert row["etag"].hex() == record.get("etag", "0" * 32)
    assert "parent" not in table.column_names


def test_empty_history(path):
    HistoryWriter(path, HEADER).close()
    assert pa.table(History(path)).num_rows == 0
    assert views.to_arrow(History(path)).num_rows == 0


@pytest.mark.parametrize("to", ["arrow", "parquet", "csv", "jsonl"])
def test_export(written, tmp_path, to):
    out = tmp_path / f"out.{to}"
    views.export(written, to, out)
    if to == "arrow":
        rows = pa.ipc.open_file(str(out)).read_all().to_pylist()
    elif to == "parquet":
        rows = pytest.importorskip("pyarrow.parquet").read_table(str(out)).to_pylist()
    elif to == "csv":
        with out.open(newline="") as file:
            rows = list(csv.DictReader(file))
    else:
        rows = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert len(rows) == 20_000
    for i, want in enumerate(records(20_000)[:50]):
        assert rows[i]["op"] == want["op"] and str(rows[i]["t_call"]) == str(want["t_call"])
        assert rows[i]["key"] == f"objs/{want['key_index']:08}"


def test_jsonl_is_a_way_back(written, path, tmp_path):
    views.export(written, "jsonl", tmp_path / "out.jsonl")
    with HistoryWriter(path + "2", HEADER) as writer:
        for line in (tmp_path / "out.jsonl").read_text("utf-8").splitlines():
            writer.append(line)
    assert pa.table(History(path + "2")).drop_columns(["entries_first"]).num_rows == 20_000
    assert list(History(path + "2")) == list(History(written))


def test_export_refuses(written, tmp_path):
    with pytest.raises(ValueError, match="expected one of arrow, parquet, jsonl, csv"):
        views.export(written, "xml", tmp_path / "x")


def test_pyarrow_is_named_when_missing(written, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match="pyarrow is not installed"):
        views.export(written, "parquet", tmp_path / "x")
    views.export(written, "jsonl", tmp_path / "y")


def test_streams_are_released(written):
    """Exports hold the file, and let it go."""
    before = pa.total_allocated_bytes()
    for _ in range(3):
        table = views.to_arrow(History(written))
        assert table.num_rows == 20_000
        del table
    gc.collect()
    assert pa.total_allocated_bytes() == before
    assert "history.s3ph" not in Path("/proc/self/maps").read_text()
    assert _native._debug_live()["histories"] == 0
