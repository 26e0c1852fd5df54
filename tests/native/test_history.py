"""`History` and `HistoryWriter`."""

from __future__ import annotations

import gc
import json
import os
import sys
import threading
from pathlib import Path

import pytest

from s3prod._native import History, HistoryWriter

from .conftest import HEADER, SEGMENT, records

BORDERS = (0, SEGMENT - 1, SEGMENT, 2 * SEGMENT - 1, 2 * SEGMENT, 19_999)


def test_round_trip(path):
    """What is read is what was written, and is written again as it was read."""
    wanted = records(100)
    with HistoryWriter(path, HEADER) as writer:
        for record in wanted:
            writer.append(record)
    with History(path) as history:
        assert history.complete
        assert history.header == HEADER
        read = list(history)
    assert len(read) == 100
    for want, got in zip(wanted, read, strict=True):
        assert want.items() <= got.items()
        assert got["key"] == f"objs/{want['key_index']:08}"
    with HistoryWriter(path + "2", json.dumps(HEADER)) as writer:
        for record in read:
            writer.append(json.dumps(record))
    assert list(History(path + "2")) == read


def test_a_common_prefix_is_no_key(path):
    """A prefix that is spelled like a key of the plan keeps its text, and gets no index."""
    named = HEADER | {"spaces": [{"name": "dirs", "kind": "fixed", "bucket": 0, "keys": ["a/"]}]}
    entries = [{"key": "a/", "size": 1}, {"key": "a/", "flags": ["prefix"]}]
    with HistoryWriter(path, named) as writer:
        writer.append({"op": "list", "outcome": "ok", "entries": entries})
    with History(path) as history:
        [record] = history
    assert [entry.get("key_index") for entry in record["entries"]] == [0, None]
    assert [entry["key"] for entry in record["entries"]] == ["a/", "a/"]


def test_access_by_number(written):
    history = History(written)
    assert len(history) == 20_000
    assert [history.record(i)["t_call"] for i in BORDERS] == [i + 1 for i in BORDERS]
    assert history[5] == history.record(5)
    assert history[-1] == history.record(19_999)
    for index in (20_000, -1, 2**70):
        with pytest.raises(IndexError):
            history.record(index)


def test_bad_records_change_nothing(path):
    with HistoryWriter(path, HEADER) as writer:
        for bad, names in (
            ({"op": "putt", "outcome": "ok"}, "op"),
            ({"op": "put"}, "outcome"),
            ({"op": "put", "outcome": "ok", "status": 1 << 16}, "status"),
            ({"op": "put", "outcome": "ok", "key": "nowhere"}, "key"),
            ("{", "JSON"),
        ):
            with pytest.raises(ValueError, match=names) as caught:
                writer.append(bad)
            assert "\n" not in str(caught.value)
        with pytest.raises(TypeError):
            writer.append(5)
        with pytest.raises(ValueError, match="worker"):
            writer.append({"op": "put", "outcome": "ok"}, worker=1)
        writer.append({"op": "put", "outcome": "ok"})
    assert len(History(path)) == 1


def test_errors_of_files(tmp_path, path):
    with pytest.raises(FileNotFoundError, match="history"):
        History(tmp_path / "none")
    Path(path).write_bytes(b"something else, long enough to hold a header")
    with pytest.raises(ValueError, match="not a history file"):
        History(path)
    with pytest.raises(FileExistsError):
        HistoryWriter(path, HEADER)
    with pytest.raises(ValueError, match="header"):
        HistoryWriter(path + "2", "[]")
    with pytest.raises(ValueError, match="workers"):
        HistoryWriter(path + "2", HEADER, workers=0)
    assert not Path(path + "2").exists()


def test_close_twice(path):
    writer = HistoryWriter(path, HEADER)
    writer.append({"op": "put", "outcome": "ok"})
    writer.close(complete=False)
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.append({"op": "put", "outcome": "ok"})
    history = History(path)
    assert not history.complete
    history.close()
    history.close()
    assert "closed" in repr(history)
    for use in (lambda: len(history), lambda: history.record(0), lambda: history.header, lambda: history.complete):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_an_exception_makes_it_incomplete(path):
    with pytest.raises(KeyError), HistoryWriter(path, HEADER) as writer:
        writer.append({"op": "put", "outcome": "ok"})
        raise KeyError
    history = History(path)
    assert len(history) == 1 and not history.complete


def test_writer_that_is_forgotten(path):
    writer = HistoryWriter(path, HEADER)
    writer.append({"op": "put", "outcome": "ok"})
    del writer
    gc.collect()
    history = History(path)
    assert len(history) == 1 and not history.complete


def test_file_of_a_killed_process(written):
    whole = Path(written).read_bytes()
    Path(written).write_bytes(whole[: len(whole) - 1000])
    history = History(written)
    assert len(history) == 2 * SEGMENT and not history.complete


def test_threads_share_a_writer(path):
    writer = HistoryWriter(path, HEADER, workers=2)
    barrier = threading.Barrier(4)

    def work(number: int) -> None:
        barrier.wait()
        for i in range(2000):
            writer.append({"op": "put", "outcome": "ok", "client": number, "op_seq": i + 1}, worker=number % 2)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    seen = {number: 0 for number in range(4)}
    for record in History(path):
        assert record["op_seq"] == seen[record["client"]] + 1
        seen[record["client"]] += 1
    assert set(seen.values()) == {2000}


def test_close_while_others_read(written):
    """Readers end with the one error that says so."""
    history = History(written)
    barrier, problems = threading.Barrier(3), []

    def read() -> None:
        barrier.wait()
        try:
            while True:
                history.record(17)
        except ValueError as error:
            if "closed" not in str(error):
                problems.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    barrier.wait()
    history.close()
    for thread in threads:
        thread.join(10)
    assert not problems


def test_cycles_are_collected(written):
    class Holder:
        pass

    from s3prod import _native

    before = _native._debug_live()
    holder = Holder()
    holder.history = History(written)
    holder.self = holder
    assert _native._debug_live()["histories"] == before["histories"] + 1
    assert type(holder.history) in gc.get_referents(holder.history)
    del holder
    gc.collect()
    assert _native._debug_live() == before


def test_types_are_closed():
    for kind in (History, HistoryWriter):
        with pytest.raises(TypeError):
            kind.extra = 1
        with pytest.raises(TypeError):
            type("Sub", (kind,), {})
        with pytest.raises(TypeError):
            kind()


def test_used_after_fork(path):
    writer = HistoryWriter(path, HEADER)
    pid = os.fork()
    if pid == 0:
        status = 9
        try:
            writer.append({"op": "put", "outcome": "ok"})
        except RuntimeError as error:
            status = 0 if "fork" in str(error) else 8
        del writer
        gc.collect()
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    writer.append({"op": "put", "outcome": "ok"})
    writer.close()
    assert len(History(path)) == 1


def test_no_growth_over_runs(written):
    """Object and reference counts stay where they are."""

    def use() -> None:
        with History(written) as history:
            for i in range(0, 20_000, 500):
                history.record(i)
            assert history.header["seed"] == 7
        with pytest.raises(ValueError):
            history.record(0)

    counts = []
    for _ in range(6):
        use()
        gc.collect()
        counts.append((len(gc.get_objects()), sys.getrefcount(History)))
    assert counts[3] == counts[4] == counts[5]


def test_columns_are_the_records(written):
    with History(written) as history:
        calls, ops, ids = (history.column(name) for name in ("t_call", "op", "body_id"))
        assert (calls.format, ops.format, ids.format) == ("q", "B", "B")
        assert calls.tolist() == [record["t_call"] for record in history]
        assert [History.names("op")[op] for op in ops] == [record["op"] for record in history]
        assert len(ids) == 16 * len(history)
    assert calls[0] == 1, "a copy outlives the file"
    with pytest.raises(ValueError, match="history: it is closed"):
        history.column("op")
    for wrong in (lambda: History.names("colour"), lambda: History(written).column("colour")):
        with pytest.raises(ValueError, match="column: colour, expected a name"):
            wrong()
    assert History.names("flags")[0] and History.names("t_call") == ()
