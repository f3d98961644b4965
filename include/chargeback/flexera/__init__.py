"""Speaks HTTP with Flexera One; knows no SQL. Reads only: nothing here can change a tenant."""

from __future__ import annotations

from chargeback.flexera.auth import TokenSource
from chargeback.flexera.client import FlexeraClient
from chargeback.flexera.coverage import Coverage, members
from chargeback.flexera.json_text import WrittenRows
from chargeback.flexera.paging import Page
from chargeback.flexera.payloads import (
    LICENSE_COLUMNS,
    LINE_COLUMNS,
    ConsumptionLine,
    FieldMap,
    LicenseEntry,
    ParsedPage,
    parse_page,
)
from chargeback.flexera.readers import UnreadableRow
from chargeback.flexera.transport import Budget, Transport

__all__ = [
    "LICENSE_COLUMNS",
    "LINE_COLUMNS",
    "Budget",
    "ConsumptionLine",
    "Coverage",
    "FieldMap",
    "FlexeraClient",
    "LicenseEntry",
    "Page",
    "ParsedPage",
    "TokenSource",
    "Transport",
    "UnreadableRow",
    "WrittenRows",
    "members",
    "parse_page",
]
