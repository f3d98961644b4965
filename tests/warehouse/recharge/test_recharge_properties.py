"""Whatever the estate: shares and costs are those of exact fractions, and nothing is lost at any layer."""

from __future__ import annotations

import random
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from exact_reference import CapacityTree, costs, exact, rounded, settled
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recharge_load import CATALOG, RechargeLoad, method

from chargeback.warehouse.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from chargeback.methods import Method

ALL_METHODS = tuple(CATALOG.methods.values())
DERIVED = ("derived_consumption", "derived_cost")
OFTEN = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def numbers(low: str = "-2", high: str = "40", places: int = 3) -> st.SearchStrategy[Decimal]:
    return st.decimals(low, high, places=places, allow_nan=False, allow_infinity=False) | st.integers(
        int(Decimal(low)), int(Decimal(high))
    ).map(Decimal)


sometimes = st.none() | numbers()
# Small and seldom missing, so that caps bind above one another and shares leave something over.
small = st.integers(1, 9).map(Decimal) | st.sampled_from([Decimal("0.5"), Decimal("2.75"), Decimal(0), None])
flags = st.sampled_from([None, True, True, False])


@st.composite
def trees(
    draw: st.DrawFn, *, figures: st.SearchStrategy[Decimal | None] = sometimes, is_crowded: bool = False
) -> list[dict[str, Any]]:
    """Machines in pools, in pools of pools, on hosts of clusters, or by themselves; any figure may be missing.

    A crowded tree has a host with every kind of pool, and two machines in a pool and in the pool around it.
    """
    nodes: list[dict[str, Any]] = [{"node_id": "cluster", "node_type": "cluster", "cores": draw(figures)}]
    places: list[dict[str, Any]] = [] if is_crowded else [{}]
    caps = figures | st.integers(1, 4).map(Decimal) if is_crowded else figures
    for number in range(draw(st.integers(int(is_crowded), 3 - int(is_crowded)))):
        host = f"host {number}"
        cluster = draw(st.sampled_from([None, "cluster"]))
        nodes.append(
            {
                "node_id": host,
                "node_type": "host",
                "cluster_node_id": cluster,
                "cores": draw(caps),
                "sockets": draw(st.none() | st.integers(0, 4)),
                "points_per_core": draw(st.sampled_from([0, "0.5", "0.75", 1, 70, "33.333"])),
            }
        )
        above = {"host_node_id": host, "cluster_node_id": cluster}
        places.append({**above, "parent_node_id": host})
        places += draw_pools(draw, nodes, above, number, caps, st.just(True) if is_crowded else st.booleans())
    nested = places[-2:] if is_crowded else []
    homes = [[place] for place in (*nested, *nested)]
    homes += [places] * draw(st.integers(0, 7 - len(homes)))
    nodes += [draw_machine(draw, number, home, figures) for number, home in enumerate(homes)]
    return draw(st.permutations(nodes))


estates = trees() | trees(figures=small, is_crowded=True)


def draw_machine(
    draw: st.DrawFn, number: int, places: list[dict[str, Any]], figures: st.SearchStrategy[Decimal | None]
) -> dict[str, Any]:
    return {
        "node_id": draw(st.sampled_from(["vm", "Vm", "ä"])) + str(number),
        "node_type": "virtual_machine",
        "cores": draw(figures),
        "capped_cores": draw(figures),
        "sockets": draw(st.none() | st.integers(0, 4)),
        "threads": draw(sometimes),
        "users": draw(st.none() | numbers("0", "9", 0)),
        "installations": draw(st.none() | numbers("0", "9", 1)),
        "allocation_weight": draw(sometimes),
        "recharged_consumption": draw(sometimes),
        "recharged_cost": draw(st.none() | numbers("-5", "500", 2)),
        "points_per_core": draw(st.sampled_from([None, 0, "0.5", 1, 70])),
        "has_installation": draw(flags),
        "is_cloud": draw(flags),
        "is_hyperthreaded": draw(flags),
        "is_eligible_for_sub_capacity": draw(st.sampled_from([None, True, True, True, False])),
        **draw(st.sampled_from(places)),
    }


def draw_pools(
    draw: st.DrawFn,
    nodes: list[dict[str, Any]],
    above: dict[str, Any],
    number: int,
    caps: st.SearchStrategy[Decimal | None],
    has_pools: st.SearchStrategy[bool],
) -> list[dict[str, Any]]:
    """Pools of a host, one of which may lie in another; returns places for machines."""
    found = []
    if draw(has_pools):
        pool = {"node_id": f"pool {number}", "node_type": "pool", "parent_node_id": above["host_node_id"]}
        nodes.append({**pool, **above, "capped_cores": draw(caps)})
        found.append({**above, "parent_node_id": pool["node_id"]})
    if draw(has_pools):
        outer = {
            "node_id": f"outer {number}",
            "node_type": "outer_pool",
            "parent_node_id": above["host_node_id"],
        }
        inner = {"node_id": f"inner {number}", "node_type": "pool", "parent_node_id": outer["node_id"]}
        nodes.append({**outer, **above, "capped_cores": draw(caps)})
        nodes.append({**inner, **above, "capped_cores": draw(caps)})
        found += [{**above, "parent_node_id": node["node_id"]} for node in (outer, inner)]
    return found


def test_the_random_estates_reach_every_cap_and_every_odd_figure() -> None:
    """As many as each property below is tried with: what none of them has would be a property of nothing."""
    reached: set[str] = set()

    @given(nodes=estates)
    @OFTEN
    def look(nodes: list[dict[str, Any]]) -> None:
        reached.update(traits(nodes))

    look()

    assert reached == {
        *("a machine is capped", "a pool is capped", "an outer pool is capped", "a host is capped"),
        *(
            "a pool and the pool around it are capped",
            "a full host",
            "a null",
            "a zero",
            "a negative",
            "a tie",
        ),
    }


def traits(nodes: list[dict[str, Any]]) -> Iterator[str]:
    """What of interest is in an estate, by the exact reference."""
    own = [{**node, "cluster_node_id": None} for node in nodes if node["node_type"] != "cluster"]
    tree = CapacityTree(own, is_sub_capacity=True, round_at="none", flat=False)
    capped = {node["node_id"] for node in own if is_capped(tree, node)}
    names = {
        "virtual_machine": "a machine",
        "pool": "a pool",
        "outer_pool": "an outer pool",
        "host": "a host",
    }
    yield from (f"{names[node['node_type']]} is capped" for node in own if node["node_id"] in capped)
    if any({f"outer {number}", f"inner {number}"} <= capped for number in range(3)):
        yield "a pool and the pool around it are capped"
    hosts = [node for node in own if node["node_type"] == "host"]
    on_hosts = [machine for host in hosts for machine in tree.machines(host["node_id"])]
    yield from ("a full host" for machine in on_hosts if machine["is_eligible_for_sub_capacity"] is False)
    figures = [node.get(name) for node in own for name in ("cores", "capped_cores")]
    yield from ("a null" for figure in figures if figure is None)
    yield from ("a zero" for figure in figures if figure == 0)
    yield from ("a negative" for figure in figures if figure is not None and figure < 0)
    for children in tree.children.values():
        weights = [tree.capacity(child) for child in children if tree.machines(child)]
        if any(weight and weights.count(weight) > 1 for weight in weights):
            yield "a tie"


def is_capped(tree: CapacityTree, node: dict[str, Any]) -> bool:
    """Whether a node uses less than what is in it, or a machine less than its cores."""
    machines = tree.machines(node["node_id"])
    if not machines or any(each.get("is_eligible_for_sub_capacity") is False for each in machines):
        return False
    if node["node_type"] == "virtual_machine":
        return tree.capacity(node["node_id"]) < exact(node["cores"])
    inside = sum((tree.capacity(child) for child in tree.children.get(node["node_id"], [])), Fraction(0))
    return 0 < tree.capacity(node["node_id"]) < inside


@pytest.fixture(scope="module")
def load(module_warehouse_url: str) -> Iterator[RechargeLoad]:
    with Database.connect(module_warehouse_url).session() as connection:
        yield RechargeLoad(connection)
        connection.rollback()


@given(
    nodes=estates,
    scale=st.sampled_from([0, 2, 6, 12]),
    round_at=st.sampled_from(["none", "sum", "partition"]),
    is_sub_capacity=st.booleans(),
)
@OFTEN
def test_capacity_and_its_shares_are_those_of_exact_fractions(
    load: RechargeLoad, nodes: list[dict[str, Any]], scale: int, round_at: str, is_sub_capacity: bool
) -> None:
    """By layers what each uses is shared by; straight from the host any weight may be."""
    changes = {"share_scale": scale, "round_at": round_at, "is_sub_capacity": is_sub_capacity}
    ways = [("layered", "capped_cores"), *(("flat", weight) for weight in ("capped_cores", "cores", "equal"))]
    methods = [
        method(
            {
                "like": f"ibm_pvu.sub_capacity.{layers}.v1",
                "method_id": f"{layers}.{weight}.v1",
                "weight": weight,
                **changes,
            }
        )
        for layers, weight in ways
    ]
    own = [{**node, "cluster_node_id": None} for node in nodes if node["node_type"] != "cluster"]
    with load.worked_out([{"methods": methods, "nodes": own}]) as result:
        shares, quantities = result.rows("int_recharge_shares"), result.rows("int_recharge_quantities")
    for number, (layers, weight) in enumerate(ways, start=1):
        tree = CapacityTree(
            own,
            is_sub_capacity=is_sub_capacity,
            round_at=round_at,
            flat=layers == "flat",
            weight=weight,
        )
        [license_] = [row for row in quantities if row["term_number"] == number and row["level"] == 5]
        found = {row["node_id"]: row for row in shares if row["term_number"] == number}

        assert exact(license_["quantity"]) == tree.consumption()
        assert {
            name: exact(row["derived_consumption"]) * 10**scale for name, row in found.items()
        } == tree.shares(scale)
        for row in quantities:
            if row["term_number"] == number and row["node_type"] in ("host", "pool", "outer_pool"):
                assert exact(row["capacity"]) == tree.capacity(row["node_id"])


@given(
    weights=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=3),
        sometimes | st.integers(0, 2).map(Decimal),  # the latter often alike, so that names decide
        max_size=9,
    ),
    total=numbers("-1000", "1000", 4),
    price=numbers("-9", "99", 5),
    months=st.sampled_from([None, 7, 12]),
    scale=st.sampled_from([0, 2, 6, 12]),
)
@OFTEN
def test_amounts_and_money_are_settled_by_largest_remainder_and_a_reversal_is_the_mirror(
    load: RechargeLoad,
    weights: dict[str, Decimal | None],
    total: Decimal,
    price: Decimal,
    months: int | None,
    scale: int,
) -> None:
    licenses = [
        {
            "methods": [method({"like": "fixed_amount.configured.v1", "share_scale": scale})],
            "nodes": [
                {"node_id": name, "node_type": "device", "allocation_weight": weight}
                for name, weight in weights.items()
            ],
            "price": {"financial_tab_amount": price, "term_months": months},
            "quantity": quantity,
        }
        for quantity in (total, -total)
    ]
    with load.worked_out(licenses) as result:
        rows = result.rows("int_recharge_shares")
    units = settled(
        rounded(abs(exact(total)) * 10**scale),
        {name: max(exact(weight), Fraction(0)) for name, weight in weights.items()},
    )
    if not sum(units.values()) and rounded(abs(exact(total)) * 10**scale):
        units["unallocated at "] = rounded(abs(exact(total)) * 10**scale)
    cents = costs(units, abs(exact(price)) / (months or 1), scale)
    for number, sign in ((1, 1), (2, -1)):
        sign = sign if total > 0 else -sign
        found = {row["node_id"]: row for row in rows if row["term_number"] == number}

        assert {
            name: exact(row["derived_consumption"]) * 10**scale * sign for name, row in found.items()
        } == units
        assert {
            name: exact(row["derived_cost"]) * 100 * sign * (1 if price > 0 else -1)
            for name, row in found.items()
        } == cents


@given(nodes=estates, price=numbers("0", "99", 4), quantity=numbers("0", "500", 3))
@OFTEN
def test_a_reversal_mirrors_its_charge_whatever_it_is_shared_by(
    load: RechargeLoad, nodes: list[dict[str, Any]], price: Decimal, quantity: Decimal
) -> None:
    """Of every method that takes an amount as it is given; what the others count is never below zero."""
    families = ("fixed_amount", "as_recharged")
    rules = [rule for rule in ALL_METHODS if rule.is_total_given or rule.family in families]
    figures = ("recharged_consumption", "recharged_cost")
    reversed_nodes = [
        {**node, **{name: -node[name] for name in figures if node.get(name) is not None}} for node in nodes
    ]
    license_ = {"methods": rules, "price": {"cost_per_right": price}}
    with load.worked_out(
        [
            {**license_, "nodes": nodes, "quantity": quantity},
            {**license_, "nodes": reversed_nodes, "quantity": -quantity},
        ]
    ) as result:
        rows = result.rows("int_recharge_shares")
    charge, reversal = (
        {
            (row["method_id"], row["node_id"]): [row[name] and sign * row[name] for name in DERIVED]
            for row in rows
            if row["license_id"] == license_id
        }
        for license_id, sign in (("1", 1), ("2", -1))
    )

    assert charge == reversal


@given(nodes=estates, price=numbers("0", "99", 4), quantity=sometimes)
@OFTEN
def test_every_method_conserves_consumption_and_cost_at_every_layer(
    load: RechargeLoad, nodes: list[dict[str, Any]], price: Decimal, quantity: Decimal | None
) -> None:
    given_license = {"methods": ALL_METHODS, "nodes": nodes, "quantity": quantity}
    with load.worked_out([{**given_license, "price": {"cost_per_right": price}}]) as result:
        shares = result.rows("int_recharge_shares")
        layers = result.rows("int_recharge_layers")
        quantities = result.rows("int_recharge_quantities")

    for number, rule in enumerate(ALL_METHODS, start=1):
        [license_] = [row for row in quantities if row["term_number"] == number and row["level"] == 5]
        own = [row for row in shares if row["term_number"] == number]
        consumed = sum((row["derived_consumption"] for row in own), Decimal(0))

        assert consumed == round(license_["quantity"], 12) == license_["quantity"], rule.method_id
        if quantity is not None and (rule.is_total_given or rule.family == "fixed_amount"):
            assert consumed == quantity, rule.method_id
        assert_every_layer_adds_up(own, [row for row in layers if row["term_number"] == number], rule)
        assert consumers(own) == consumers(
            row for row in quantities if row["term_number"] == number and row["level"] == 0
        )
        if rule.family != "as_recharged":
            spent = sum((row["derived_cost"] for row in own), Decimal(0))
            sign = -1 if consumed < 0 else 1
            assert exact(spent) * 100 * sign == rounded(abs(exact(consumed)) * exact(price) * 100)
            for row in own:
                share_cost = exact(row["derived_consumption"]) * exact(price)
                assert abs(exact(row["derived_cost"]) - share_cost) < Fraction(1, 100)


def consumers(rows: Iterable[Any]) -> set[str]:
    """All but nobody."""
    return {row["node_id"] for row in rows if row["node_type"] != "unallocated"}


def assert_every_layer_adds_up(shares: list[Any], layers: list[Any], rule: Method) -> None:
    """What children have together is what their parent has, down to the last digit."""
    if rule.family == "as_recharged":
        return
    below = {row["node_id"]: Decimal(0) for row in layers}
    for row in [*shares, *(row for row in layers if row["parent_node_id"] is not None)]:
        below[row["parent_node_id"]] += row["derived_consumption"]

    assert below == {row["node_id"]: row["derived_consumption"] for row in layers}, rule.method_id


@given(nodes=estates, seed=st.integers(0, 2**32), cores=numbers("0", "40"))
@OFTEN
def test_neither_the_order_of_rows_nor_a_machine_without_the_software_changes_a_share(
    load: RechargeLoad, nodes: list[dict[str, Any]], seed: int, cores: Decimal
) -> None:
    shuffled = list(nodes)
    random.Random(seed).shuffle(shuffled)  # noqa: S311
    places = [{}, *({"parent_node_id": node["node_id"]} for node in nodes if node["node_type"] == "host")]
    idle = [
        {
            "node_id": f"idle {number}",
            "node_type": "virtual_machine",
            "has_installation": False,
            "cores": cores,
        }
        | place
        | ({"host_node_id": place["parent_node_id"]} if place else {})
        for number, place in enumerate(places)
    ]
    # A row of the API is charged as it is, whatever it says of installations.
    rules = [rule for rule in ALL_METHODS if rule.family != "as_recharged"]
    with load.worked_out(
        [
            {"methods": rules, "nodes": nodes, "quantity": 5},
            {"methods": rules, "nodes": shuffled, "quantity": 5},
            {"methods": rules, "nodes": [*nodes, *idle], "quantity": 5},
        ]
    ) as result:
        rows = result.rows("int_recharge_shares")
    by_license = [
        {
            (row["method_id"], row["node_id"], row["derived_consumption"])
            for row in rows
            if row["license_id"] == license_id
        }
        for license_id in ("1", "2", "3")
    ]

    assert by_license[0] == by_license[1]
    assert by_license[0] == by_license[2]
