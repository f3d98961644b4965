"""Every sentence of bi.explanation can be worked out again by whoever pays, and lands on the cent."""

from __future__ import annotations

import datetime
import re
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from released_warehouse import Warehouse, catalog_with, night
from sqlalchemy.engine import make_url

from chargeback.methods import Catalog
from chargeback.warehouse.database import execute

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection
    from warehouse_nights import Nights

    from flexera_simulator.testing import RunningSimulator

STAND_ALONE = "Oracle Database Enterprise Edition, stand-alone servers"
NAMED_USER_PLUS = "Oracle Database Standard Edition 2, Named User Plus"
CENT = Decimal("0.01")
CATALOG = Catalog.read()
NUMBER = r"-?[\d,]+(?:\.\d+)?"
# "PC-17 has 2 of the 8 cores ... in host h; host h consumes 4 Cores; 2/8 x 4 = 1", or "PC-17 has 2 cores and counts 4".
SHARE = re.compile(
    rf" has (?P<weight>{NUMBER}) of the (?P<total>{NUMBER}) [a-z ,]+ (?:in|of|under) (?P<parent>.+); "
    rf"(?P=parent) consumes (?P<consumed>{NUMBER}) [\w ]+(?:, the minimum of its servers)?; "
    rf"(?P=weight)/(?P=total) x (?P=consumed) = (?P<derived>{NUMBER})(?P<rest>[ .].*)"
)
OWN = re.compile(
    rf"(?: has {NUMBER} cores? and)? counts (?P<derived>{NUMBER}) [\w ]+(?:; (?P=derived))?(?P<rest>[ .].*)"
)
COST = re.compile(
    rf" x (?P<price>{NUMBER}) EUR = (?P<product>{NUMBER}) EUR"
    rf"(?:, and (?P<cents>{NUMBER}) EUR (?P<way>more|less), so that the license adds up: (?P<cost>{NUMBER}) EUR)?\."
    r"(?P<rest>.*)"
)
CHARGED = re.compile(
    rf" Charged is what Flexera recharges: (?P<quantity>{NUMBER}) [\w ]+ (?:for (?P<cost>{NUMBER}) EUR|without a cost)"
    rf"(?:, (?P<difference>{NUMBER}) EUR (?P<way>more|less))?\. (?P<meaning>.+\.)"
)
ROUNDED = re.compile(
    rf" Flexera recharges (?P<cost>{NUMBER}) EUR, (?P<difference>{NUMBER}) EUR (?P<way>more|less) by rounding\.$"
)
GIVEN = re.compile(
    rf" is charged (?P<quantity>{NUMBER}) [\w ]+ for (?P<cost>{NUMBER}) EUR, as Flexera recharges it\. "
    r"(?P<meaning>.+\.)"
)


# A charge beside its sentence; what both say must be the same.
BESIDE = """
    from bi.chargeback
    inner join bi.explanation using (snapshot_date, org_id, license_id, consumer_identity_key)
    where
        (
            chargeback.consumer_type, chargeback.device_id, chargeback.device_name, chargeback.user_id,
            chargeback.user_name, chargeback.cost_center, chargeback.recharged_consumption, chargeback.recharged_cost,
            chargeback.derived_consumption, chargeback.derived_cost, chargeback.method_id, chargeback.delta_reason
        )
        is not distinct from
        (
            explanation.consumer_type, explanation.device_id, explanation.device_name, explanation.user_id,
            explanation.user_name, explanation.cost_center, explanation.recharged_consumption,
            explanation.recharged_cost, explanation.derived_consumption, explanation.derived_cost,
            explanation.method_id, explanation.delta_reason
        )
"""


@pytest.fixture(scope="module")
def explained(module_warehouse_url: str, simulator: RunningSimulator) -> Callable[..., list[dict[str, Any]]]:
    """Every charge of a night with these licenses, derived by these methods, and what its reason means."""
    warehouse = Warehouse(make_url(module_warehouse_url))
    today = datetime.datetime.now(datetime.UTC).date()
    simulator.set_date(today)

    def of(license_names: list[str], methods: list[str] | None = None) -> list[dict[str, Any]]:
        catalog = catalog_with(methods) if methods else None
        night(
            warehouse,
            simulator,
            today,
            "api",
            license_names=license_names,
            catalog=catalog,
            allowed_gap_percent=100,
        )
        names = license_names or ["%"]
        statement = f"""
            select *
            from bi.explanation
            left join bi.delta_reason using (delta_reason)
            where license_name like '{names[0]}'
        """
        return [dict(row._mapping) for row in warehouse.rows(statement.replace("%", "%%"))]

    return of


@pytest.fixture(scope="module")
def charges(explained: Callable[..., list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Every charge of a night of the whole demo tenant."""
    return explained([])


def test_the_numbers_of_every_sentence_multiply_out_to_the_derived_cost(
    charges: list[dict[str, Any]],
) -> None:
    families = {CATALOG.methods[charge["method_id"]].family for charge in charges}
    for charge in charges:
        if CATALOG.methods[charge["method_id"]].family != "as_recharged":
            assert_multiplies_out(charge)

    assert families == {method.family for method in CATALOG.methods.values()}


# Methods that fit no license of the demo tenant best, so that only a contract of a user's names them.
@pytest.mark.parametrize(
    ("license_name", "method_id", "words"),
    [
        ("Oracle WebLogic Suite", "oracle_processor.cluster.equal.v1", "equal parts of cluster"),
        ("Oracle WebLogic Suite", "oracle_processor.cluster.vm_cores_rounding_apart.v1", "in cluster"),
        (STAND_ALONE, "oracle_processor.device.group_rounding.v1", "Processor Licenses"),
        (NAMED_USER_PLUS, "oracle_named_user_plus.larger.v1", "in server"),
        (NAMED_USER_PLUS, "oracle_named_user_plus.standard_2.v1", "in server"),
        ("IBM MQ Advanced", "ibm_pvu.sub_capacity.flat.v1", "cores that may be used in host"),
        ("IBM MQ Advanced", "ibm_pvu.full_capacity.v1", "cores that may be used in host"),
        ("SQL Server Enterprise", "microsoft_sql_server.physical.v1", "or the least that counts, in host"),
        ("IBM Tivoli Monitoring", "ibm_rvu.tiers.cores.v1", "cores that may be used under the license"),
    ],
)
def test_the_numbers_of_a_method_that_a_user_names_multiply_out_too(
    explained: Callable[..., list[dict[str, Any]]], license_name: str, method_id: str, words: str
) -> None:
    charges = explained([license_name], [method_id])
    for charge in charges:
        assert_multiplies_out(charge)

    assert {charge["method_id"] for charge in charges} == {method_id}
    assert any(words in charge["explanation"] for charge in charges), charges[0]["explanation"]


def test_a_reconciled_charge_that_rounding_sets_apart_says_what_flexera_recharges(
    charges: list[dict[str, Any]],
) -> None:
    apart = [
        charge
        for charge in charges
        if charge["is_reconciled"] and charge["recharged_cost"] != charge["derived_cost"]
    ]
    for charge in apart:
        said = ROUNDED.search(charge["explanation"])
        assert said, charge["explanation"]
        assert number(said["cost"]) == charge["recharged_cost"]
        sign = 1 if said["way"] == "more" else -1
        assert sign * number(said["difference"]) == charge["recharged_cost"] - charge["derived_cost"]

    assert apart
    assert not any(
        ROUNDED.search(charge["explanation"])
        for charge in charges
        if charge["recharged_cost"] == charge["derived_cost"]
    )


def test_a_charge_that_differs_says_what_is_charged_and_why(charges: list[dict[str, Any]]) -> None:
    different = [charge for charge in charges if not charge["is_reconciled"]]
    for charge in different:
        is_given = CATALOG.methods[charge["method_id"]].family == "as_recharged"
        said = (GIVEN if is_given else CHARGED).search(charge["explanation"])
        assert said, charge["explanation"]
        assert number(said["quantity"]) == charge["recharged_consumption"]
        assert (number(said["cost"]) if said["cost"] else None) == charge["recharged_cost"]
        assert said["meaning"] == charge["meaning"]
        if not is_given and said["difference"]:
            sign = 1 if said["way"] == "more" else -1
            assert sign * number(said["difference"]) == charge["recharged_cost"] - charge["derived_cost"]

    assert {charge["delta_reason"] for charge in different} == {
        "key_missing",
        "price_missing",
        "rule_unknown",
    }


def test_every_charge_of_the_demo_tenant_finds_its_one_sentence(
    charges: list[dict[str, Any]], module_warehouse_url: str
) -> None:
    warehouse = Warehouse(make_url(module_warehouse_url))
    counts = [
        warehouse.rows(f"select count(*) {of}")[0][0]
        for of in ("from bi.chargeback", "from bi.explanation", BESIDE)
    ]

    assert counts == [len(charges)] * 3


def test_devices_of_one_name_without_an_id_have_a_sentence_each(
    connection: Connection, nights: Nights
) -> None:
    line = {"device_name": "twin", "recharged_consumption": 1}
    lines = [{**line, "host_id": host, "recharged_cost": cost} for host, cost in (("h1", 10), ("h2", 20))]
    nights.load_id, nights.org_id = 1000, "another"  # beside the nights of this file
    nights.run({"licenses": [{"license_id": "1", "license_type": "Device", "consumed": 2, "lines": lines}]})

    beside = execute(
        connection, f"select host_id, explanation {BESIDE} and org_id = 'another' order by host_id"
    ).all()

    assert [(host, "for 10.00" in text, "for 20.00" in text) for host, text in beside] == [
        ("h1", True, False),
        ("h2", False, True),
    ]


def test_a_charge_of_a_user_names_the_user(charges: list[dict[str, Any]]) -> None:
    named = [charge for charge in charges if charge["user_name"]]

    assert {charge["consumer_type"] for charge in named} == {"user", "device"}
    assert all(charge["explanation"].startswith(f"User {charge['user_name']} ") for charge in named)


def assert_multiplies_out(charge: dict[str, Any]) -> None:
    """Share, product and cent, worked out from the sentence's own numbers."""
    sentence = charge["explanation"]
    said = SHARE.search(sentence) or OWN.search(sentence)
    assert said, sentence
    derived = number(said["derived"])
    if said.re is SHARE:
        share = Fraction(number(said["weight"])) / Fraction(number(said["total"]))
        assert abs(share * Fraction(number(said["consumed"])) - Fraction(derived)) <= last_digit(derived), (
            sentence
        )
    cost = COST.fullmatch(said["rest"])
    if charge["derived_cost"] is None:
        assert not cost, sentence
        return
    assert cost, sentence
    product = number(cost["product"])
    assert (derived * number(cost["price"])).quantize(CENT, ROUND_HALF_UP) == product, sentence
    if cost["way"]:
        product += number(cost["cents"]) * (1 if cost["way"] == "more" else -1)
        assert product == number(cost["cost"]), sentence
    assert product == charge["derived_cost"], sentence


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def last_digit(value: Decimal) -> Fraction:
    """One unit of the last decimal shown: the sixth at least, as zeros at the end are not."""
    return Fraction(1, 10 ** max(-int(value.as_tuple().exponent), 6))
