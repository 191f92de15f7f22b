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


def test_a_device_has_one_token_as_an_installation_and_as_an_address() -> None:
    assert INDEX.compute("push", "fid:f-1") == INDEX.compute_device("f-1") != INDEX.compute_device("f-2")


def test_values_are_hashed_where_they_are_and_equal_numbers_are_equal() -> None:
    assert INDEX.compute_value({"a": 1, "b": []}) == INDEX.compute_value({"a": 1.0, "b": []})
    values = INDEX.compute_value({"a": "1", "b": 1, "c": True, "d": None, "e": {"a": "1"}, "f": ["1", "1"], "g": 1.5})
    assert values["f"][0] == values["f"][1]
    assert len({values["a"], values["b"], values["c"], values["d"], values["e"]["a"], values["f"][0], values["g"]}) == 7
