"""Form encoding against the standard library."""

from urllib.parse import quote_plus

from hypothesis import given
from hypothesis import strategies as st

from agents.providers.form_encoding import quote_form_value


@given(st.text())
def test_quoting_is_the_standard_librarys(text: str) -> None:
    assert quote_form_value(text) == quote_plus(text).encode()
