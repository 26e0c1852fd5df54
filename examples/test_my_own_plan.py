"""A workload of one's own as a plan: the engine carries it out and the checker judges every attempt.

Run it with `pytest examples/test_my_own_plan.py -v`.
"""

from s3prod.plan import (
    Group,
    Plan,
    Require,
    Space,
    choose,
    delete,
    get,
    head,
    list_page,
    make_bucket,
    put,
    remove_bucket,
    repeat,
    until_others,
)

CLIENTS = {"smoke": 10, "full": 100, "stress": 300}


def test_production_shopping_carts(run_plan, config):
    """
    Shopping carts: each client changes carts of its own and reads them back, while a service looks through all of them.

    What it tests:
    - what a client wrote is what it reads next, and what it removed is gone
    - listings show every cart that is there, and none that is not
    - a cart is never a mix of two versions

    Why it matters:
    - a lost write is a lost order, a stale one is an order of what was taken out
    """
    clients = CLIENTS[config["scale"]]
    visit = [
        choose("carts", "cart"),
        put("cart.key", [300, 5000]),
        get("cart.key"),
        put("cart.key", [300, 5000]),
        get("cart.key"),
        delete("cart.key"),
        head("cart.key"),
        put("cart.key", 300),
    ]
    plan = Plan(
        "shopping-carts",
        seed=config["seed"],
        scale=config["scale"],
        spaces={"carts": Space.own("carts/", 3)},
        groups=[
            make_bucket(),
            Group("shoppers", [repeat(5, *visit)], clients=clients),
            Group("service", [list_page("main", prefix="carts/")], clients=2, arrival=until_others()),
            remove_bucket(),
        ],
        require={"carts": Require(acked_writes=15 * clients, reads=10 * clients)},
    )
    run = run_plan(plan)

    written = run.metrics["ops"]["put"]
    assert written["ok"] == 15 * clients, (
        f"{written['ok']} of {15 * clients} writes acknowledged: {written['by_status']}"
    )
    assert not run.metrics["left_behind"], f"buckets left behind: {run.metrics['left_behind']}"
