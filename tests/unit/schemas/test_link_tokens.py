"""Tokens: only what was signed with one of the secrets for the purpose is accepted, whatever else is tried."""

import hmac
import random
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode

import msgspec
import pytest

from schemas.link_tokens import MAX_SECRETS, MAX_TOKEN_CHARACTERS, KeyedMac, LinkTokens, decode_secrets

FIRST, SECOND = b"1" * 32, b"2" * 32
FIELDS = ("u-42", "marketing", "ntf_0192")
TOKENS = LinkTokens([FIRST])
TOKEN = TOKENS.sign("unsubscribe", *FIELDS)


def test_a_token_gives_back_its_fields() -> None:
    assert TOKENS.verify("unsubscribe", TOKEN) == [*FIELDS]


@pytest.mark.parametrize("fields", [(), ("",), ("", ""), ("a\n", "b"), ("a", "\nb"), ("ü€😀", "\x00"), ("x" * 500,)])
def test_all_texts_can_be_fields(fields: tuple[str, ...]) -> None:
    assert TOKENS.verify("unsubscribe", TOKENS.sign("unsubscribe", *fields)) == [*fields]


def test_a_token_stands_in_a_url_as_it_is_and_is_short() -> None:
    assert TOKEN.replace("-", "").replace("_", "").isalnum()
    assert TOKEN.isascii()
    assert len(TOKEN) == 60


def test_the_same_fields_have_the_same_token_so_that_a_replay_gives_the_same_content() -> None:
    assert TOKENS.sign("unsubscribe", *FIELDS) == TOKEN == LinkTokens([FIRST, SECOND]).sign("unsubscribe", *FIELDS)


def test_the_mac_is_hmac_sha256_under_a_derived_key() -> None:
    key = hmac.digest(FIRST, b"herold link key v1\nunsubscribe", "sha256")
    content = urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))
    assert content[4:20] == hmac.digest(key, msgspec.msgpack.encode(FIELDS), "sha256")[:16]


def test_a_keyed_mac_is_hmac_sha256_for_any_message_and_again_and_again() -> None:
    rng = random.Random(5)
    for key_bytes in (1, 32, 63, 64):
        key = rng.randbytes(key_bytes)
        mac = KeyedMac(key)
        for length in (*range(130), 1000):
            message = rng.randbytes(length)
            assert mac.compute(message) == hmac.digest(key, message, "sha256")


def test_a_token_for_one_purpose_is_none_for_another() -> None:
    assert TOKENS.verify("receipt", TOKEN) is None
    assert TOKENS.verify("unsubscribe", TOKENS.sign("receipt", *FIELDS)) is None


def test_a_token_of_another_installation_is_not_accepted() -> None:
    assert LinkTokens([SECOND]).verify("unsubscribe", TOKEN) is None


def test_a_secret_is_replaced_while_its_links_are_in_use() -> None:
    rotated = LinkTokens([SECOND, FIRST])
    assert rotated.verify("unsubscribe", TOKEN) == [*FIELDS]
    assert LinkTokens([SECOND]).verify("unsubscribe", rotated.sign("unsubscribe", *FIELDS)) == [*FIELDS], "the first secret signs"


def test_no_changed_byte_is_accepted() -> None:
    content = urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))
    for index in range(len(content)):
        changed = bytearray(content)
        changed[index] ^= 1 << random.Random(index).randrange(8)
        assert TOKENS.verify("unsubscribe", urlsafe_b64encode(changed).rstrip(b"=").decode()) is None, index


def test_no_changed_character_is_accepted() -> None:
    """Also none in the bits that base64 leaves over: a token has one spelling."""
    one_spare = TOKENS.sign("unsubscribe", "abc")
    assert len(one_spare) % 4 != 0
    for token in (TOKEN, one_spare):
        for index, character in enumerate(token):
            other = "B" if character == "A" else chr(ord(character) ^ 1) if chr(ord(character) ^ 1).isalnum() else "A"
            assert TOKENS.verify("unsubscribe", token[:index] + other + token[index + 1 :]) is None, (token, index)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A",
        "AAAA",
        "A" * 27,
        TOKEN[:-1],
        TOKEN + "A",
        TOKEN + "=",
        TOKEN + "\n",
        " " + TOKEN,
        TOKEN.lower(),
        "ü" * 40,
        "..%2f" * 10,
        "A" * MAX_TOKEN_CHARACTERS,
        "A" * (MAX_TOKEN_CHARACTERS + 1),
        TOKEN * 40,
    ],
)
def test_another_text_is_no_token(text: str) -> None:
    assert TOKENS.verify("unsubscribe", text) is None


def test_links_are_not_signed_without_a_secret() -> None:
    with pytest.raises(ValueError, match="a secret is needed"):
        LinkTokens([])


def test_secrets_are_decoded_in_their_order() -> None:
    first, second = b64encode(FIRST).decode(), b64encode(SECOND).decode()
    assert decode_secrets(f"{first}, {second}") == [FIRST, SECOND]
    assert decode_secrets(" ") == []


@pytest.mark.parametrize(
    "text",
    ["secret", b64encode(b"x" * 23).decode(), b64encode(b"x" * 65).decode(), b64encode(FIRST).decode() + ",", "!" * 32, "ü" * 32],
)
def test_a_secret_that_is_none_is_not_repeated_in_the_message(text: str) -> None:
    with pytest.raises(ValueError, match="must be the base64 of 24 to 64 random bytes") as caught:
        decode_secrets(text)
    assert text not in str(caught.value)


def test_the_number_of_secrets_is_bounded() -> None:
    with pytest.raises(ValueError, match=f"at most {MAX_SECRETS}"):
        decode_secrets(",".join([b64encode(FIRST).decode()] * (MAX_SECRETS + 1)))
