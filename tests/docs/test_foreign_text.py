"""What the pages say about text that others wrote: in mails, and in spreadsheets."""

from __future__ import annotations

import json

import pytest
from jinja2 import Environment
from pages import blocks

from chargeback.warehouse.database import Database, execute

HOSTILE = """<script>fetch('//x')</script> & "name"\nsecond line"""


def test_the_example_of_a_mail_shows_foreign_text_as_text() -> None:
    [example] = [
        json.loads(block) for block in blocks("docs/production.md", "json") if "SmtpNotifier" in block
    ]
    template = Environment(autoescape=False).from_string(example[0]["kwargs"]["html_content"])  # noqa: S701 - as Airflow
    html = template.render(notice={"text": HOSTILE})

    assert html.startswith("<pre>&lt;script&gt;")
    assert html.endswith("\nsecond line</pre>")
    assert "<script>" not in html


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+49", "'+49"),
        ("-1+1", "'-1+1"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("srv-01=a", "srv-01=a"),
        (None, None),
    ],
)
def test_the_query_for_a_spreadsheet_leaves_no_formula(
    postgres_url: str, name: str | None, shown: str | None
) -> None:
    [query] = [block for block in blocks("docs/bi_clients.md", "sql") if "[:cntrl:]" in block]
    columns = "snapshot_date, license_id, device_name, recharged_cost, currency"
    source = f"(select null, null, %(name)s::text, null, null) as named ({columns})"
    with Database.connect(postgres_url).transaction() as connection:
        row = execute(connection, query.replace("bi.chargeback_current;", source), name=name).one()

    assert row.device_name == shown
