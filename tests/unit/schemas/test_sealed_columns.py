"""What is sealed of rows opens in its place only, and tokens compare as the values do."""

import pytest

from schemas.errors import SealError
from schemas.sealed_columns import (
    PrivateUser,
    hide_user,
    list_forms,
    open_device,
    open_suppressed,
    open_user,
    seal_device,
    seal_suppressed,
    seal_user,
)
from tests.column_sealing import INDEX
from tests.sealers import build_sealer

PRIVATE = PrivateUser({"email": ["Ada@example.org"], "sms": ["+43664"]}, {"plan": "pro", "age": 36, "tags": ["a", None]})


def test_what_is_sealed_of_a_user_is_opened_for_this_user_only() -> None:
    sealer = build_sealer("u-42")
    sealed = seal_user("u-42", PRIVATE, sealer)
    assert open_user("u-42", sealed, sealer) == PRIVATE
    assert b"ada" not in sealed.lower()
    with pytest.raises(SealError):
        open_user("u-43", sealed, sealer)
    with pytest.raises(SealError):
        open_device("u-42", sealed, sealer)
    other = sealer.seal("addresses", "u-42", b"[]")
    with pytest.raises(SealError, match="does not fit"):
        open_user("u-42", other, sealer)


def test_tokens_and_addresses_are_bound_to_what_stands_in_their_columns() -> None:
    sealer = build_sealer()
    device, address = seal_device("hmac:1", "token", sealer), seal_suppressed("hmac:1", "ada@example.org", sealer)
    assert (open_device("hmac:1", device, sealer), open_suppressed("hmac:1", address, sealer)) == ("token", "ada@example.org")
    for opener, sealed in ((open_device, device), (open_suppressed, address)):
        with pytest.raises(SealError):
            opener("hmac:2", sealed, sealer)


def test_hidden_columns_have_the_form_of_plain_ones_and_nothing_of_them() -> None:
    hidden = hide_user(PRIVATE, INDEX)
    assert {channel: len(found) for channel, found in hidden.addresses.items()} == {"email": 1, "sms": 1}
    assert hidden.addresses["email"] == [INDEX.compute("email", "ada@EXAMPLE.org")]
    assert list(hidden.attributes) == ["plan", "age", "tags"]
    texts = [hidden.attributes["plan"], hidden.attributes["age"], *hidden.attributes["tags"]]
    assert all(text.startswith("hmac:") for text in texts)
    assert len(set(texts)) == len(texts)
    assert list_forms(None, "sms", "+1") == ["+1"]
    assert list_forms(INDEX, "sms", "+1") == ["+1", INDEX.compute("sms", "+1")]
