"""The token of an address: the same for its spellings, another one for another channel or key, and none of the address."""

from schemas.blind_index import BlindIndex

INDEX = BlindIndex(b"1" * 32)


def test_spellings_of_one_address_have_one_token() -> None:
    token = INDEX.compute("email", "Ada@example.org")
    assert token == INDEX.compute("email", "ada@example.org")
    assert len(token) == len("hmac:") + 64
    assert token == token.lower()
    assert "ada" not in token


def test_another_channel_address_or_key_has_another_token() -> None:
    tokens = [
        INDEX.compute("email", "a"),
        INDEX.compute("sms", "a"),
        INDEX.compute("email", "b"),
        BlindIndex(b"2" * 32).compute("email", "a"),
        INDEX.compute("push", "A"),
        INDEX.compute("push", "a"),
    ]
    assert len(set(tokens)) == len(tokens)
