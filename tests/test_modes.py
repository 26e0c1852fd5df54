"""What is legal and surprises: each mode fires, and no runner and no rule takes it for a fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from turns import todays

from s3prod.client import S3Client
from s3prod.errors import StoreError
from s3prod.plans import BUILTIN, STORE_OPTIONS
from s3prod.plans.modes import MODES
from s3prod.runners import RUNNERS, run_plan
from s3prod.runners.driver import DRIVERS
from s3prod.store import EmbeddedStore

# A small plan on which each shows with any runner; the matrix has the larger ones.
SHOWS = {
    "ok-409-instead-of-412": "coordination",
    "ok-412-for-if-match-absent": "wire",
    "ok-mpu-initiated-order": "wire",
    "ok-complete-twice-404": "wire",
    "ok-concurrent-put-any-order": "thundering-herd",
    "ok-late-landing": "wire",
    "ok-nonatomic-page": "list-churn",
    "ok-last-modified-equal": "list-churn",
    "ok-whitespace-before-xml": "wire",
    "ok-parts-remain-after-racing-abort": "racing-aborts",
    "ok-short-page": "list-churn",
    "ok-empty-page-truncated": "list-churn",
    "ok-upload-listing-settles": "upload-churn",
    "ok-503-throttle": "wire",
    "ok-lifecycle-late": "cross-feature",
    "ok-bucket-ready-delay": "wire",
    "ok-etag-not-md5": "wire",
}


SWITCHED = [mode.name for mode in MODES.values() if not mode.always]
# A driver is held to a sixth of them a day, and to all by `make driver-test`.
HELD_TO = [(runner, name) for runner in RUNNERS for name in (todays(SWITCHED, 6) if runner in DRIVERS else SWITCHED)]


@pytest.mark.parametrize(("runner", "name"), HELD_TO)
def test_a_mode_is_no_fault(runner: str, name: str, tmp_path: Path) -> None:
    mode, fired = MODES[name], 0
    for seed in range(1, 6):  # what only shows when others race may not show in a small run
        with EmbeddedStore(modes=[mode.spec], endpoints=2, options=STORE_OPTIONS) as store:
            plan = BUILTIN[SHOWS[name]]("smoke", seed)
            run = run_plan(plan, store.target(), runner=runner, out=tmp_path / f"run-{seed}")
            fired = store.altered()["modes"][name]["fired"]
            assert store.altered()["request_ids"] == []
        assert run.verdict is not None and run.verdict.consistency != "violated", run.verdict.to_dict()
        if fired:
            break
    assert fired > 0


def test_a_mode_is_no_mutant() -> None:
    with pytest.raises(StoreError, match="expected a mutant, this is a mode"):
        EmbeddedStore(mutants=["ok-short-page"])
    with pytest.raises(StoreError, match="expected a mode, this is a mutant"):
        EmbeddedStore(modes=["lost-ack-write"])
    with pytest.raises(StoreError, match="nonsense"):
        EmbeddedStore(modes=["nonsense"])


def test_modes_that_the_store_has_anyway_are_taken() -> None:
    names = [mode.name for mode in MODES.values() if mode.always]
    with EmbeddedStore(modes=names) as store:
        assert {name: row["always"] for name, row in store.altered()["modes"].items()} == dict.fromkeys(names, True)


def test_pages_of_two_instants_are_of_objects() -> None:
    """Other listings, of an upload with tags too, are answered as they are."""
    with EmbeddedStore(modes=[MODES["ok-nonatomic-page"].spec]) as store:
        s3 = S3Client(store.target()).client
        s3.create_bucket(Bucket="bkt")
        upload = s3.create_multipart_upload(Bucket="bkt", Key="key", Tagging="a=1&b=2")["UploadId"]
        for number in (1, 2, 3):
            s3.upload_part(Bucket="bkt", Key="key", UploadId=upload, PartNumber=number, Body=b"x")
        parts = s3.list_parts(Bucket="bkt", Key="key", UploadId=upload)["Parts"]
        assert [part["PartNumber"] for part in parts] == [1, 2, 3]
        assert [one["UploadId"] for one in s3.list_multipart_uploads(Bucket="bkt")["Uploads"]] == [upload]
