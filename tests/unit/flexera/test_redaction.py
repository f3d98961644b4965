"""Secrets in what a server says are found in every form that servers write them in."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from chargeback.flexera.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = 'key/with "odd" & é + letters='
FORMS = {
    "as it is": SECRET,
    "in an address": quote(SECRET),
    "in an address, slashes too": quote(SECRET, safe=""),
    "in a form": quote_plus(SECRET),
    "in a form with small escapes": re.sub("%..", lambda escape: escape[0].lower(), quote_plus(SECRET)),
    "in JSON": json.dumps(SECRET)[1:-1],
    "in JSON as UTF-8": json.dumps(SECRET, ensure_ascii=False)[1:-1],
    "in HTML": html.escape(SECRET),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_taken_out_in_every_form(form: str) -> None:
    assert redacted(f"before {form} after", SECRET) == "before *** after"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_taken_out_of_what_base64_makes_of_it(
    before: str, encode: Callable[[bytes], bytes]
) -> None:
    whole = encode(f"{before}{SECRET}:rest".encode()).decode()

    left = redacted(whole, SECRET)

    assert "***" in left
    assert len(left) < len(whole) - len(SECRET)


def test_other_words_stay() -> None:
    assert redacted("nothing to hide", SECRET, "") == "nothing to hide"
