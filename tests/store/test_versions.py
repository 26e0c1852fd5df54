"""Versions: enabled, suspended, null, delete markers, listings, and everything that names a version."""

from __future__ import annotations

from typing import Any

import pytest
from storelib import NEVER, AnyStore, Store, error_of, race


def switch(s3: Any, bucket: str, status: str = "Enabled") -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def put(s3: Any, bucket: str, body: bytes, key: str = "k", **more: Any) -> str:
    answer = s3.put_object(Bucket=bucket, Key=key, Body=body, **more)
    return str(answer.get("VersionId", ""))


def get(s3: Any, bucket: str, key: str = "k", **more: Any) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read())


def entries(s3: Any, bucket: str, **more: Any) -> list[tuple[str, str, bool, bool]]:
    """(key, version id, is it a marker, is it the latest) of all pages, in the order of the document."""
    seen: list[tuple[str, str, bool, bool]] = []
    marker: dict[str, str] = {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, **more, **marker)
        here = [(one["Key"], one["VersionId"], False, one["IsLatest"]) for one in page.get("Versions", [])]
        here += [(one["Key"], one["VersionId"], True, one["IsLatest"]) for one in page.get("DeleteMarkers", [])]
        seen += here
        if not page["IsTruncated"]:
            return seen
        assert here or page.get("CommonPrefixes")
        marker = {"KeyMarker": page["NextKeyMarker"]}
        if page.get("NextVersionIdMarker"):
            marker["VersionIdMarker"] = page["NextVersionIdMarker"]


@pytest.fixture
def versioned(s3: Any, bucket: str) -> str:
    switch(s3, bucket)
    return bucket


@pytest.mark.embedded("codes of malformed documents, MFA")
def test_states(store: AnyStore, s3: Any, bucket: str) -> None:
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    for status in ("Enabled", "Suspended", "Enabled"):
        switch(s3, bucket, status)
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status
    for document in (
        b"",
        b"<VersioningConfiguration><Status>Off</Status></VersioningConfiguration>",
        b"<VersioningConfiguration/>",
        b"<Other><Status>Enabled</Status></Other>",
    ):
        answer = store.signed("PUT", f"/{bucket}?versioning", document)
        assert (answer.status, answer.code) == (400, "MalformedXML")
    mfa = b"<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>"
    assert store.signed("PUT", f"/{bucket}?versioning", mfa).status == 501
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert store.signed("PUT", f"/{NEVER}?versioning", mfa).code == "NoSuchBucket"


@pytest.mark.parametrize("size", [10, 40_000])
def test_nothing_is_overwritten(s3: Any, versioned: str, size: int) -> None:
    bodies = [b"%d" % number * size for number in range(4)]
    ids = [put(s3, versioned, body) for body in bodies]
    assert len(set(ids)) == 4
    assert get(s3, versioned) == bodies[3]
    for one, body in zip(ids, bodies, strict=True):
        got = s3.get_object(Bucket=versioned, Key="k", VersionId=one)
        assert (got["Body"].read(), got["VersionId"]) == (body, one)
        head = s3.head_object(Bucket=versioned, Key="k", VersionId=one)
        assert (head["ContentLength"], head["VersionId"]) == (len(body), one)
    assert s3.head_object(Bucket=versioned, Key="k")["VersionId"] == ids[3]
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=versioned)["Contents"]] == ["k"]
    assert entries(s3, versioned) == [("k", one, False, one == ids[3]) for one in reversed(ids)]


def test_markers(store: AnyStore, s3: Any, versioned: str) -> None:
    first = put(s3, versioned, b"1")
    gone = s3.delete_object(Bucket=versioned, Key="k")
    marker = gone["VersionId"]
    assert gone["DeleteMarker"] is True and marker != first
    for method in ("GET", "HEAD"):
        answer = store.signed(method, f"/{versioned}/k")
        assert (answer.status, answer.headers["x-amz-delete-marker"]) == (404, "true")
        assert answer.headers["x-amz-version-id"] == marker
        answer = store.signed(method, f"/{versioned}/k?versionId={marker}")
        assert (answer.status, answer.headers["x-amz-delete-marker"]) == (405, "true")
        assert answer.headers["allow"] == "DELETE"
    assert error_of(lambda: s3.get_object(Bucket=versioned, Key="k"))[1] == "NoSuchKey"
    assert s3.list_objects_v2(Bucket=versioned)["KeyCount"] == 0
    assert get(s3, versioned, VersionId=first) == b"1"
    assert entries(s3, versioned) == [("k", first, False, False), ("k", marker, True, True)]
    never = s3.delete_object(Bucket=versioned, Key="never")
    assert never["DeleteMarker"] is True and never["VersionId"]
    assert error_of(lambda: s3.delete_bucket(Bucket=versioned)) == (409, "BucketNotEmpty")
    back = s3.delete_object(Bucket=versioned, Key="k", VersionId=marker)
    assert (back["DeleteMarker"], back["VersionId"]) == (True, marker)
    assert get(s3, versioned) == b"1"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=first)
    s3.delete_object(Bucket=versioned, Key="never", VersionId=never["VersionId"])
    assert entries(s3, versioned) == []
    s3.delete_bucket(Bucket=versioned)


def test_removing_exposes_the_next(s3: Any, versioned: str) -> None:
    ids = [put(s3, versioned, b"%d" % number) for number in range(5)]
    assert "DeleteMarker" not in s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[2])
    assert get(s3, versioned) == b"4"
    for top, below in ((4, b"3"), (3, b"1"), (1, b"0")):
        s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[top])
        assert get(s3, versioned) == below
    assert error_of(lambda: get(s3, versioned, VersionId=ids[4])) == (404, "NoSuchVersion")
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[0])
    assert error_of(lambda: get(s3, versioned)) == (404, "NoSuchKey")
    again = s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[0])
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 204


@pytest.mark.embedded("which ids are malformed")
def test_ids_that_are_none(store: AnyStore, s3: Any, versioned: str) -> None:
    put(s3, versioned, b"x")
    other = put(s3, versioned, b"y", "other")
    assert error_of(lambda: get(s3, versioned, VersionId=other)) == (404, "NoSuchVersion")
    assert error_of(lambda: get(s3, versioned, VersionId="null")) == (404, "NoSuchVersion")
    for bad in ("nonsense", "", "0" * 32, other[:-1], other[:-1] + "x"):
        for method in ("GET", "HEAD", "DELETE"):
            assert store.signed(method, f"/{versioned}/k?versionId={bad}").status == 400
        assert store.signed("GET", f"/{versioned}/k?versionId={bad}").code == "InvalidArgument"
        assert store.signed("GET", f"/{versioned}/k?tagging&versionId={bad}").code == "InvalidArgument"
    assert get(s3, versioned) == b"x"


def test_objects_from_before_are_null(s3: Any, bucket: str) -> None:
    assert put(s3, bucket, b"before", Metadata={"m": "1"}) == ""
    assert get(s3, bucket, VersionId="null") == b"before"
    assert entries(s3, bucket) == [("k", "null", False, True)]
    switch(s3, bucket)
    assert s3.head_object(Bucket=bucket, Key="k")["VersionId"] == "null"
    new = put(s3, bucket, b"new")
    got = s3.get_object(Bucket=bucket, Key="k", VersionId="null")
    assert (got["Body"].read(), got["Metadata"], got["VersionId"]) == (b"before", {"m": "1"}, "null")
    assert entries(s3, bucket) == [("k", new, False, True), ("k", "null", False, False)]
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert entries(s3, bucket) == [("k", new, False, True)]
    assert error_of(lambda: get(s3, bucket, VersionId="null")) == (404, "NoSuchVersion")


@pytest.mark.parametrize("size", [1, 40_000])
def test_suspended_replaces_only_null(s3: Any, bucket: str, size: int) -> None:
    put(s3, bucket, b"a" * size)
    switch(s3, bucket)
    one, two = put(s3, bucket, b"1" * size), put(s3, bucket, b"2" * size)
    switch(s3, bucket, "Suspended")
    assert put(s3, bucket, b"b" * size) == "null", "the old null version lies below two others and goes"
    assert entries(s3, bucket) == [("k", "null", False, True), ("k", two, False, False), ("k", one, False, False)]
    assert put(s3, bucket, b"c" * size) == "null"
    assert get(s3, bucket) == get(s3, bucket, VersionId="null") == b"c" * size
    assert (get(s3, bucket, VersionId=one), get(s3, bucket, VersionId=two)) == (b"1" * size, b"2" * size)
    gone = s3.delete_object(Bucket=bucket, Key="k")
    assert (gone["DeleteMarker"], gone["VersionId"]) == (True, "null")
    assert entries(s3, bucket)[-1] == ("k", "null", True, True) and len(entries(s3, bucket)) == 3
    assert error_of(lambda: get(s3, bucket)) == (404, "NoSuchKey")
    assert error_of(lambda: get(s3, bucket, VersionId="null"))[0] == 405
    switch(s3, bucket)
    three = put(s3, bucket, b"3" * size)
    assert len(entries(s3, bucket)) == 4
    switch(s3, bucket, "Suspended")
    assert put(s3, bucket, b"d" * size) == "null"
    assert [one[1] for one in entries(s3, bucket)] == ["null", three, two, one]
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    assert get(s3, bucket) == b"3" * size


def test_null_stays_known_when_others_go(s3: Any, bucket: str) -> None:
    """The current entry knows where null is, through every change of the current entry."""
    put(s3, bucket, b"null")
    switch(s3, bucket)
    ids = [put(s3, bucket, b"%d" % number) for number in range(3)]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=ids[2])
    s3.delete_object(Bucket=bucket, Key="k", VersionId=ids[0])
    assert get(s3, bucket, VersionId="null") == b"null" and get(s3, bucket) == b"1"
    marker = s3.delete_object(Bucket=bucket, Key="k")["VersionId"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=ids[1])
    assert get(s3, bucket, VersionId="null") == b"null"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker)
    assert get(s3, bucket) == b"null" and entries(s3, bucket) == [("k", "null", False, True)]


def test_a_removed_null_is_forgotten(s3: Any, bucket: str) -> None:
    put(s3, bucket, b"null")
    switch(s3, bucket)
    above = put(s3, bucket, b"above")
    s3.delete_object(Bucket=bucket, Key="k", VersionId="null")
    switch(s3, bucket, "Suspended")
    assert put(s3, bucket, b"new") == "null"
    assert entries(s3, bucket) == [("k", "null", False, True), ("k", above, False, False)]


def test_ids_are_opaque(s3: Any, versioned: str) -> None:
    ids = [put(s3, versioned, b"x") for _ in range(12)]
    assert ids not in (sorted(ids), sorted(ids, reverse=True))


def test_keys_that_begin_alike(s3: Any, versioned: str) -> None:
    ids = {
        key: [put(s3, versioned, b"x", key) for _ in range(2)] for key in ("a", "a\x01", "ab", "l" * 999, "l" * 1000)
    }
    want = [(key, one, False, one == ids[key][1]) for key in sorted(ids) for one in reversed(ids[key])]
    assert entries(s3, versioned) == entries(s3, versioned, MaxKeys=1) == want
    for one in ids["a"]:
        s3.delete_object(Bucket=versioned, Key="a", VersionId=one)
    assert error_of(lambda: get(s3, versioned, "a")) == (404, "NoSuchKey")
    assert entries(s3, versioned) == want[2:]


def test_conditions_see_through_markers(s3: Any, versioned: str) -> None:
    put(s3, versioned, b"1", IfNoneMatch="*")
    assert error_of(lambda: put(s3, versioned, b"2", IfNoneMatch="*")) == (412, "PreconditionFailed")
    etag = s3.head_object(Bucket=versioned, Key="k")["ETag"]
    s3.delete_object(Bucket=versioned, Key="k")
    assert error_of(lambda: put(s3, versioned, b"2", IfMatch=etag)) == (404, "NoSuchKey")
    assert error_of(lambda: s3.delete_object(Bucket=versioned, Key="k", IfMatch=etag)) == (404, "NoSuchKey")
    put(s3, versioned, b"3", IfNoneMatch="*")
    assert get(s3, versioned) == b"3" and len(entries(s3, versioned)) == 3


KEYS = ["a", "a", "a", "b/1", "b/1", "b/2", "c", "c", "d/x", "l" * 1000, "l" * 1000, "l" * 999, "\uffee", "\U0001f600"]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_listing_pages(s3: Any, bucket: str, size: int) -> None:
    put(s3, bucket, b"null", "c")
    switch(s3, bucket)
    made: list[tuple[str, str, bool]] = [("c", "null", False)]
    made += [(key, put(s3, bucket, b"x", key), False) for key in KEYS]
    for key in ("a", "b/1", "l" * 1000):
        made.append((key, s3.delete_object(Bucket=bucket, Key=key)["VersionId"], True))
    made += [("a", put(s3, bucket, b"x", "a"), False)]
    want: list[tuple[str, str, bool, bool]] = []
    for key in sorted({one[0] for one in made}, key=str.encode):
        of_key = [one for one in reversed(made) if one[0] == key]
        want += [(*one, number == 0) for number, one in enumerate(of_key)]
    got = entries(s3, bucket, MaxKeys=size)
    assert sorted(got) == sorted(want), "every entry once, and one latest a key"
    if size == 1:
        assert got == want, "pages of one show the order of versions and markers together"
    assert sorted(entries(s3, bucket, MaxKeys=size, Prefix="b/")) == sorted(one for one in want if one[0][:2] == "b/")
    flat = sorted(one for one in want if "/" not in one[0])
    assert sorted(entries(s3, bucket, MaxKeys=size, Delimiter="/")) == flat
    page = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert [one["Prefix"] for one in page["CommonPrefixes"]] == ["b/", "d/"]
    plain = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert plain == sorted({one[0] for one in want if one[3] and not one[2]}, key=str.encode)
    hidden = s3.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="b")
    assert [one["Prefix"] for one in hidden["CommonPrefixes"]] == ["b/"]
    s3.delete_object(Bucket=bucket, Key="b/2")
    assert "CommonPrefixes" not in s3.list_objects_v2(Bucket=bucket, Delimiter="/", Prefix="b"), "markers only"


def test_listing_markers(store: AnyStore, s3: Any, versioned: str) -> None:
    ids = [put(s3, versioned, b"x") for _ in range(4)][::-1]
    last = put(s3, versioned, b"x", "m")

    def listed(**more: str) -> list[str]:
        return [one["VersionId"] for one in s3.list_object_versions(Bucket=versioned, **more).get("Versions", [])]

    assert listed(KeyMarker="k") == [last]
    assert listed(KeyMarker="j") == [*ids, last]
    assert listed(KeyMarker="k", VersionIdMarker=ids[0]) == [*ids[1:], last]
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[1])
    assert listed(KeyMarker="k", VersionIdMarker=ids[1]) == [*ids[2:], last], "the marker names a place"
    s3.delete_object(Bucket=versioned, Key="k", VersionId=ids[0])
    page = s3.list_object_versions(Bucket=versioned, KeyMarker="k", VersionIdMarker=ids[0])["Versions"]
    assert [(one["VersionId"], one["IsLatest"]) for one in page] == [(ids[2], True), (ids[3], False), (last, True)]
    for query in (f"version-id-marker={ids[2]}", "key-marker=k&version-id-marker=nonsense", "max-keys=x"):
        answer = store.signed("GET", f"/{versioned}?versions&{query}")
        assert (answer.status, answer.code) == (400, "InvalidArgument")
    switch(s3, versioned, "Suspended")
    put(s3, versioned, b"x")
    assert listed(KeyMarker="k", VersionIdMarker="null") == [ids[2], ids[3], last]


def test_tags_of_versions(s3: Any, versioned: str) -> None:
    one, two = put(s3, versioned, b"1" * 20_000, Tagging="a=1"), put(s3, versioned, b"2", Tagging="b=2")
    wanted = {"Bucket": versioned, "Key": "k"}

    def tags(**more: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(**wanted, **more)["TagSet"]}

    assert (tags(), tags(VersionId=one)) == ({"b": "2"}, {"a": "1"})
    changed = s3.put_object_tagging(**wanted, VersionId=one, Tagging={"TagSet": [{"Key": "c", "Value": "3"}]})
    assert changed["VersionId"] == one
    assert (tags(), tags(VersionId=one)) == ({"b": "2"}, {"c": "3"})
    assert get(s3, versioned, VersionId=one) == b"1" * 20_000
    s3.delete_object_tagging(**wanted)
    assert (tags(), tags(VersionId=one)) == ({}, {"c": "3"})
    assert [entry[1] for entry in entries(s3, versioned)] == [two, one]
    marker = s3.delete_object(**wanted)["VersionId"]
    for more in ({"VersionId": marker}, {}):
        assert error_of(lambda more=more: tags(**more))[0] == 405
        assert error_of(lambda more=more: s3.delete_object_tagging(**wanted, **more))[0] == 405
    assert tags(VersionId=one) == {"c": "3"}


def test_copies_of_versions(s3: Any, versioned: str) -> None:
    one, two = put(s3, versioned, b"1", "s"), put(s3, versioned, b"2", "s")
    source = {"Bucket": versioned, "Key": "s"}
    done = s3.copy_object(Bucket=versioned, Key="k", CopySource=source | {"VersionId": one})
    assert done["CopySourceVersionId"] == one and get(s3, versioned, VersionId=done["VersionId"]) == b"1"
    done = s3.copy_object(Bucket=versioned, Key="k", CopySource=source)
    assert done["CopySourceVersionId"] == two and get(s3, versioned) == b"2"
    restored = s3.copy_object(Bucket=versioned, Key="s", CopySource=source | {"VersionId": one})
    assert get(s3, versioned, "s") == b"1" and restored["VersionId"] not in (one, two)
    marker = s3.delete_object(Bucket=versioned, Key="s")["VersionId"]

    def copy(**more: str) -> tuple[int, str]:
        return error_of(lambda: s3.copy_object(Bucket=versioned, Key="k", CopySource=source | more))

    assert copy() == (404, "NoSuchKey")
    assert copy(VersionId=marker) == (400, "InvalidRequest")
    assert copy(VersionId="null") == (404, "NoSuchVersion")
    assert copy(VersionId="nonsense") == (400, "InvalidArgument")
    assert copy(VersionId=two) == (200, "")
    upload = s3.create_multipart_upload(Bucket=versioned, Key="m")["UploadId"]
    part = s3.upload_part_copy(
        Bucket=versioned, Key="m", UploadId=upload, PartNumber=1, CopySource=source | {"VersionId": two}
    )
    assert part["CopySourceVersionId"] == two
    named = {"Parts": [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]}
    wanted = {"Bucket": versioned, "Key": "m", "UploadId": upload, "MultipartUpload": named}
    first, again = (s3.complete_multipart_upload(**wanted)["VersionId"] for _ in range(2))
    assert first == again and get(s3, versioned, "m", VersionId=first) == b"2"


def test_an_upload_becomes_a_version(s3: Any, versioned: str) -> None:
    below = put(s3, versioned, b"below")
    upload = s3.create_multipart_upload(Bucket=versioned, Key="k", Metadata={"m": "1"}, Tagging="t=1")["UploadId"]
    part = s3.upload_part(Bucket=versioned, Key="k", UploadId=upload, PartNumber=1, Body=b"p" * 100_000)
    named = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    done = s3.complete_multipart_upload(Bucket=versioned, Key="k", UploadId=upload, MultipartUpload=named)
    above = put(s3, versioned, b"above")
    assert [one[1] for one in entries(s3, versioned)] == [above, done["VersionId"], below]
    got = s3.get_object(Bucket=versioned, Key="k", VersionId=done["VersionId"])
    assert (got["Body"].read(), got["ETag"], got["TagCount"]) == (b"p" * 100_000, done["ETag"], 1)
    assert got["Metadata"] == {"m": "1"}
    s3.delete_object(Bucket=versioned, Key="k", VersionId=above)
    assert get(s3, versioned) == b"p" * 100_000


@pytest.mark.embedded("the order of the answer, and which ids are malformed")
def test_delete_many_versions(s3: Any, versioned: str) -> None:
    one, two = put(s3, versioned, b"1"), put(s3, versioned, b"2")
    etag = s3.head_object(Bucket=versioned, Key="k")["ETag"]
    put(s3, versioned, b"o", "other")

    def delete(*objects: dict[str, str], quiet: bool = False) -> tuple[list[Any], list[Any]]:
        done = s3.delete_objects(Bucket=versioned, Delete={"Objects": list(objects), "Quiet": quiet})
        return done.get("Deleted", []), done.get("Errors", [])

    deleted, errors = delete(
        {"Key": "k", "VersionId": one},
        {"Key": "other"},
        {"Key": "never"},
        {"Key": "k", "VersionId": "nonsense"},
        {"Key": "k", "ETag": '"abc"'},
        {"Key": "none", "ETag": '"abc"'},
    )
    assert deleted[0] == {"Key": "k", "VersionId": one}
    assert [(entry["Key"], entry["DeleteMarker"]) for entry in deleted[1:]] == [("other", True), ("never", True)]
    assert [(entry["Key"], entry["Code"]) for entry in errors] == [
        ("k", "InvalidArgument"),
        ("k", "PreconditionFailed"),
        ("none", "NoSuchKey"),
    ]
    assert get(s3, versioned) == b"2"
    marker = deleted[1]["DeleteMarkerVersionId"]
    deleted, errors = delete({"Key": "k", "ETag": etag}, {"Key": "other", "VersionId": marker})
    assert errors == [] and deleted[0]["DeleteMarker"] is True
    assert deleted[1] == {
        "Key": "other",
        "VersionId": marker,
        "DeleteMarker": True,
        "DeleteMarkerVersionId": marker,
    }
    assert get(s3, versioned, "other") == b"o" and get(s3, versioned, VersionId=two) == b"2"
    deleted, errors = delete({"Key": "k", "VersionId": two}, {"Key": "x", "VersionId": "nonsense"}, quiet=True)
    assert deleted == [] and [(entry["Key"], entry["Code"]) for entry in errors] == [("x", "InvalidArgument")]


def test_simultaneous_writers_all_survive(store: AnyStore, s3: Any, versioned: str) -> None:
    clients = [store.client(number % 2) for number in range(8)]

    def act(number: int) -> list[tuple[str, bytes]]:
        bodies = [b"%d-%d" % (number, turn) * 2000 for turn in range(10)]
        return [(put(clients[number], versioned, body), body) for body in bodies]

    written = dict(pair for done in race(8, act) for pair in done)
    listed = entries(s3, versioned, MaxKeys=7)
    assert len(written) == 80 and {one[1] for one in listed} == set(written)
    assert sum(one[3] for one in listed) == 1
    assert all(get(s3, versioned, VersionId=one) == body for one, body in written.items())
    assert get(s3, versioned) == written[listed[0][1]]


def test_ids_go_on_after_a_restart(start: Any, tmp_path: Any) -> None:
    ids = []
    for turn in range(3):
        one = start("--data", str(tmp_path))
        s3 = one.client()
        if turn == 0:
            s3.create_bucket(Bucket="bkt")
            switch(s3, "bkt")
        ids += [put(s3, "bkt", b"%d" % turn) for _ in range(2)]
        assert get(s3, "bkt") == b"%d" % turn
        assert [entry[1] for entry in entries(s3, "bkt")] == ids[::-1]
        assert one.close() == 0


def test_files_of_versions(start: Any, tmp_path: Any) -> None:
    """Each version has its body; removed ones leave nothing, and the sweep spares the rest."""

    def files() -> int:
        return sum(1 for path in (tmp_path / "bodies").glob("*/*") if path.is_file())

    first = start("--data", str(tmp_path))
    s3 = first.client()
    s3.create_bucket(Bucket="bkt")
    put(s3, "bkt", b"0" * 50_000)
    switch(s3, "bkt")
    ids = [put(s3, "bkt", b"%d" % number * 50_000) for number in (1, 2)]
    marker = s3.delete_object(Bucket="bkt", Key="k")["VersionId"]
    assert files() == 3
    first.process.kill()
    first.process.wait()
    again = Store("--data", str(tmp_path))
    s3 = again.client()
    assert files() == 3 and s3.get_bucket_versioning(Bucket="bkt")["Status"] == "Enabled"
    assert get(s3, "bkt", VersionId="null") == b"0" * 50_000
    assert get(s3, "bkt", VersionId=ids[0]) == b"1" * 50_000
    switch(s3, "bkt", "Suspended")
    for letter in (b"n", b"m"):
        assert put(s3, "bkt", letter * 50_000) == "null"
        assert files() == 3
    for one in (*ids, marker, "null"):
        s3.delete_object(Bucket="bkt", Key="k", VersionId=one)
    assert files() == 0
    s3.delete_bucket(Bucket="bkt")
    assert again.close() == 0
    first.close = lambda: 0
