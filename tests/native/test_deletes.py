"""Keys that are deleted and written again under load: the correct store raises no alarm, and the checker decides them."""

from __future__ import annotations

from typing import Any

import pytest

from s3prod import _native
from s3prod.plan import (
    ANY,
    Group,
    Plan,
    Space,
    barrier,
    choose,
    delete,
    delete_objects,
    get,
    head,
    list_page,
    make_bucket,
    put,
    remove_bucket,
    repeat,
    when,
)

# everything at once on four keys: lives that overlap, refused creates, conditional and batch deletes
CHURN = [
    repeat(
        60,
        choose("keys", "k"),
        put("k.key"),
        get("k.key", as_="seen"),
        when("ok", delete("k.key", if_match="seen.etag")),
        head("k.key"),
        put("k.key", if_none_match=ANY),
        get("k.key"),
        delete("k.key"),
        get("k.key"),
        list_page("main", as_="page"),
        delete_objects("page.keys", etags=True),
    )
]
# one life a key: all writes, then one delete, while readers go on
LIFE = [
    Group("writers", [put("a"), put("a"), barrier("written")], clients=4),
    Group("remover", [barrier("written"), delete("a")]),
    Group("readers", [repeat(40, get("a"), head("a"))], clients=32),
]


def judge(target: dict[str, Any], path: str, *groups: Group) -> dict[str, Any]:
    """The verdict on these groups."""
    plan = Plan("deletes", spaces={"keys": Space.uniform("keys/", 4)}, groups=[make_bucket(), *groups, remove_bucket()])
    metrics = _native.run(plan, target, history=path)
    assert metrics["left_behind"] == []
    verdict: dict[str, Any] = _native.check(path)
    assert verdict["violations"] == 0, verdict["witnesses"]
    assert [entry for entry in verdict["not_checked"] if entry["reason"] != "list-negatives"] == []
    return verdict


@pytest.mark.parametrize("clients", [1, 4, 8])
def test_keys_with_many_lives(embedded_target, path, clients):
    verdict = judge(embedded_target, path, Group("churn", CHURN, clients=clients))
    assert verdict["consistency"] == "held", verdict["because"]
    assert verdict["keys_checked"] == verdict["keys"] == 4
    assert verdict["windows"] > 100 and verdict["unknown_windows"]["count"] == 0


def test_one_delete_under_many_readers(embedded_target, path):
    verdict = judge(embedded_target, path, *LIFE)
    assert verdict["consistency"] == "held" and verdict["keys_checked"] == 1
    assert verdict["evidence"]["*"]["reads"] > 1000
