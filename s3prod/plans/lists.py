"""Listings under churn: keys, versions and uploads come and go while every kind of page is read.

The plans of the mutants that concern listings (`s3prod.plans.mutants`).
"""

from __future__ import annotations

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    Step,
    abort_upload,
    barrier,
    choose,
    create_bucket,
    create_upload,
    delete,
    get,
    head,
    list_page,
    list_parts,
    list_uploads,
    list_versions,
    make_bucket,
    put,
    put_versioning,
    remove_bucket,
    repeat,
    sleep,
    until_others,
    upload_part,
)

ROUNDS = {"smoke": 60, "full": 400, "stress": 4000}
WRITERS, PAGES = 8, 12
ODD = ("a+b", "a b", "100%", "%2B", "q&a", "<tag>", "x//y", "caf\u00e9", "\u65e5\u672c")  # that listings encode
BUCKETS = {"smoke": 4, "full": 16, "stress": 16}


def _walk(first: Step, following: Step) -> list[Step]:
    """A walk of a few pages, from the start."""
    return [first, repeat(PAGES, following), sleep(2)]


def _listers(**programs: list[Step]) -> list[Group]:
    return [Group(f"list-{name}", program, arrival=until_others()) for name, program in programs.items()]


def list_churn(scale: str = "full", seed: int = 1) -> Plan:
    """Keys are created, overwritten and deleted while others list: whole, by sevens with tokens, by markers, by common
    prefixes, and while others read what is listed. Some have odd names.
    """
    rounds = ROUNDS[scale]
    odd = [f"odd/{name}" for name in ODD]
    make = make_bucket()
    create = [repeat(rounds, choose("pool", "k", take="fresh"), put("k.key", 64))]
    remove = [sleep(1), choose("pool", "k", take="acked"), delete("k.key")]
    tree = [repeat(rounds, choose("tree", "t"), put("t.key", 64), delete("t.key"))]
    kept = [repeat(rounds, choose("kept", "k"), put("k.key", (64, 200)), sleep(2))]
    readers = [choose("pool", "k", take="any"), get("k.key"), head("k.key"), sleep(1)]
    listers = _listers(
        whole=[list_page("main"), sleep(2)],
        sevens=_walk(
            list_page("main", max_keys=7, as_="page"), list_page("main", max_keys=7, token="page.token", as_="page")
        ),
        markers=_walk(
            list_page("main", prefix="pool/", max_keys=13, as_="page", version=1),
            list_page("main", prefix="pool/", max_keys=13, token="page.token", as_="page", version=1),
        ),
        prefixes=_walk(
            list_page("main", delimiter="/", max_keys=1, as_="page"),
            list_page("main", delimiter="/", max_keys=1, token="page.token", as_="page"),
        ),
    )
    return Plan(
        "list-churn",
        seed=seed,
        scale=scale,
        spaces={
            "pool": Space.lifecycle("pool/", 2 * WRITERS * rounds),
            "tree": Space.own("tree/", 4),
            "kept": Space.own("kept/", 3),
            "odd": Space.fixed(*odd),
        },
        groups=[
            Group(make.group, [*make.program, *(put(name, 64) for name in odd)], phase="setup"),
            Group("create", create, clients=WRITERS),
            Group("remove", remove, clients=WRITERS // 2, arrival=until_others()),
            Group("tree", tree, clients=2),
            Group("keepers", kept, clients=2),
            *listers,
            Group("readers", readers, clients=4, arrival=until_others()),
            remove_bucket(),
        ],
        require={"pool": Require(acked_writes=WRITERS * rounds // 2)},
    )


def new_buckets(scale: str = "full", seed: int = 1) -> Plan:
    """Buckets are made one after the other, and listed at once through every endpoint."""
    roles = [f"b{number:02}" for number in range(BUCKETS[scale])]
    make: list[Step] = []
    look: list[Step] = []
    for role in roles:
        make += [barrier("next"), create_bucket(role), barrier("made"), put("k", 64, bucket=role)]
        look += [barrier("next"), barrier("made"), repeat(12, list_page(role), sleep(1))]
    return Plan(
        "new-buckets",
        seed=seed,
        scale=scale,
        buckets=roles,
        groups=[Group("maker", make), Group("listers", look, clients=3), remove_bucket(*roles)],
        require={"*": Require(acked_writes=len(roles))},
    )


def version_churn(scale: str = "full", seed: int = 1) -> Plan:
    """Versions and delete markers are made and removed while others list them, whole and by sevens."""
    rounds = ROUNDS[scale]
    program = [
        repeat(
            rounds,
            choose("keys", "k"),
            put("k.key", 64, as_="old"),
            put("k.key", 64),
            delete("k.key", version="old.version"),
            sleep(1),
        ),
        delete("k.key"),
    ]
    kept = [repeat(rounds, choose("kept", "k"), put("k.key", 64), get("k.key"), sleep(2))]
    exact = [repeat(rounds, put("exact", 64), list_page("main", prefix="exact", max_keys=1), delete("exact"),
                    list_page("main", prefix="exact", max_keys=1))]  # fmt: skip
    listers = _listers(
        versions=[list_versions("main"), sleep(2)],
        sevens=_walk(
            list_versions("main", max_keys=7, as_="page"),
            list_versions("main", max_keys=7, token="page.token", as_="page"),
        ),
    )
    make = make_bucket()
    return Plan(
        "version-churn",
        seed=seed,
        scale=scale,
        spaces={"keys": Space.uniform("keys/", 40), "kept": Space.own("kept/", 2)},
        groups=[
            Group(make.group, [*make.program, put_versioning("Enabled")], phase="setup"),
            Group("writers", program, clients=WRITERS // 2),
            Group("keepers", kept, clients=2),
            Group("exact", exact),
            *listers,
            remove_bucket(),
        ],
        require={"keys": Require(acked_writes=WRITERS * rounds // 2), "kept": Require(reads=rounds)},
    )


def upload_churn(scale: str = "full", seed: int = 1) -> Plan:
    """Uploads are begun and aborted while others list them; each lists its own parts."""
    rounds = ROUNDS[scale]
    program = [
        repeat(
            rounds,
            choose("keys", "k"),
            put("k.key", 64),
            create_upload("k.key", as_="up"),
            upload_part("up.upload", 1, 64),
            upload_part("up.upload", 2, 64),
            list_parts("up.upload"),
            abort_upload("up.upload"),
        )
    ]
    listers = _listers(
        uploads=[list_uploads("main"), sleep(2)],
        twos=_walk(
            list_uploads("main", max_keys=2, as_="page"),
            list_uploads("main", max_keys=2, token="page.token", as_="page"),
        ),
    )
    return Plan(
        "upload-churn",
        seed=seed,
        scale=scale,
        spaces={"keys": Space.uniform("keys/", 40)},
        groups=[make_bucket(), Group("uploaders", program, clients=WRITERS), *listers, remove_bucket()],
        require={"keys": Require(acked_writes=WRITERS * rounds // 2)},
    )
