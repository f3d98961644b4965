"""The queries of include/bi_queries with other values than the examples that stand in them, and one of a BI model."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "include" / "bi_queries"
QUERIES = sorted(path.stem for path in FOLDER.glob("*.sql"))
# What a BI model asks that relates a fact to all its dimensions.
WHOLE_STAR = """
select
    dim_date.year_month,
    dim_license.license_type,
    dim_publisher.publisher,
    dim_product.product_name,
    dim_consumer.device_type,
    dim_host.host_name,
    dim_cluster.cluster_name,
    dim_cost_center.level_1 as cost_center,
    dim_corporate_unit.level_1 as corporate_unit,
    dim_location.level_1 as location,
    count(*) as charge_count,
    sum(facts.recharged_cost) as recharged_cost
from bi.fact_chargeback as facts
inner join bi.dim_date using (snapshot_date)
inner join bi.dim_license using (license_key)
inner join bi.dim_publisher using (publisher_key)
inner join bi.dim_product using (product_key)
inner join bi.dim_consumer using (consumer_key)
inner join bi.dim_host using (host_key)
inner join bi.dim_cluster using (cluster_key)
inner join bi.dim_cost_center using (cost_center_key)
inner join bi.dim_corporate_unit using (corporate_unit_key)
inner join bi.dim_location using (location_key)
where facts.snapshot_date = {}
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""
_ASKED = re.compile(r"(?<=^asked as not materialized \(\n)(.*?)(?=^\))", flags=re.DOTALL | re.MULTILINE)


def query(name: str, **asked: object) -> str:
    """The text of a query, each value given by name in place of the example; KeyError for a name it does not ask."""
    text = (FOLDER / f"{name}.sql").read_text(encoding="utf-8")
    [examples] = _ASKED.findall(text)
    for column, value in asked.items():
        examples, count = re.subn(
            rf"(?:date '[^']*'|'[^']*'|null::text)(?= as {column}\b)",
            lambda _, value=value: _literal(value),
            examples,
        )
        if count != 1:
            raise KeyError(f"{name} does not ask for {column}")
    return _ASKED.sub(lambda _: examples, text)


def whole_star(snapshot_date: date) -> str:
    """The charges of a night by what all ten dimensions say of them."""
    return WHOLE_STAR.format(_literal(snapshot_date))


def _literal(value: object) -> str:
    if value is None:
        return "null::text"
    text = "'" + str(value).replace("'", "''") + "'"
    return f"date {text}" if isinstance(value, date) else text
