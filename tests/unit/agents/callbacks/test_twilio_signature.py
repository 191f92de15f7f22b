"""Our verifier of Twilio's signatures agrees with Twilio's own."""

import random
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

import pytest
from twilio.request_validator import RequestValidator

from agents.callbacks.twilio_signature import SharedKey, TwilioVerifier, list_url_spellings, parse_shared_keys

TOKEN = "0123456789abcdef0123456789abcdef"
URL = "https://herold.example.org/v1/callbacks/twilio?delivery=dlv_1&attempt=0"
URLS = (
    URL,
    "https://herold.example.org:443/v1/callbacks/twilio",
    "http://10.0.0.1:8080/base/v1/callbacks/twilio?a=b&c=%20d",
    "https://h.example.org:8443/x",
)
NAMES = ("MessageSid", "MessageStatus", "ErrorCode", "To", "From", "Body", "Neu", "a", "A")
VALUES = ("delivered", "SM1", "", "+43 664 1234567", "Grüße & 📬=", "30003", "a b")


class Signed(NamedTuple):
    """A request with a form, as Twilio sends it."""

    token: str
    url: str
    pairs: tuple[tuple[str, str], ...]
    signature: str


def sign(url: str, pairs: dict[str, str], token: str = TOKEN) -> Signed:
    return Signed(token, url, tuple(pairs.items()), RequestValidator(token).compute_signature(url, pairs))


def ask_twilio(request: Signed) -> bool:
    return bool(RequestValidator(request.token).validate(request.url, dict(request.pairs), request.signature))


def ask_herold(request: Signed) -> bool:
    verifier = TwilioVerifier([request.token])
    return verifier.verify_form(list_url_spellings(request.url), request.pairs, request.signature.encode())


def iterate_valid(count: int) -> Iterator[Signed]:
    randomness = random.Random(3)
    for _ in range(count):
        pairs = {name: randomness.choice(VALUES) + str(randomness.randrange(9)) for name in NAMES if randomness.random() < 0.7}
        token = f"{randomness.getrandbits(128):032x}"
        url = randomness.choice(URLS)
        signed_url = randomness.choice(list_url_spellings(url))
        yield sign(signed_url, pairs, token)._replace(url=url)


def change_character(request: Signed, field: str, randomness: random.Random) -> Signed:
    def change(text: str) -> str:
        position = randomness.randrange(len(text))
        character = chr(ord(text[position]) ^ (1 << randomness.randrange(4)))
        return text[:position] + character + text[position + 1 :]

    if field != "pairs":
        return request._replace(**{field: change(getattr(request, field))})
    index = randomness.randrange(len(request.pairs))
    pairs = [(name, change(value) if number == index else value) for number, (name, value) in enumerate(request.pairs)]
    return request._replace(pairs=tuple(pairs))


def test_agrees_with_twilio_on_valid_requests() -> None:
    requests = list(iterate_valid(500))
    assert [(ask_herold(request), ask_twilio(request)) for request in requests] == [(True, True)] * 500


@pytest.mark.parametrize("field", ["pairs", "token", "signature"])
def test_agrees_with_twilio_on_requests_with_one_changed_byte(field: str) -> None:
    randomness = random.Random(4)
    for request in iterate_valid(500):
        if getattr(request, field):
            changed = change_character(request, field, randomness)
            assert (ask_herold(changed), ask_twilio(changed)) == (False, False), changed


def test_another_url_is_refused() -> None:
    """The URL comes from our settings and the query of the request, so any change of the query is one of the URL."""
    request = sign(URL, {"MessageStatus": "delivered"})
    for url in (URL.replace("dlv_1", "dlv_2"), URL + "&x=1", URL.replace("attempt=0", "attempt=1"), URL.replace("https", "http")):
        changed = request._replace(url=url)
        assert (ask_herold(changed), ask_twilio(changed)) == (False, False)


def test_all_received_parameters_count() -> None:
    request = sign(URL, {"MessageStatus": "delivered", "BrandNew": "1"})
    assert ask_herold(request)
    assert not ask_herold(request._replace(pairs=request.pairs[:1]))
    assert not ask_herold(request._replace(pairs=(*request.pairs, ("MessageStatus", "failed"))))
    assert ask_herold(request._replace(pairs=(*request.pairs, request.pairs[0]))), "Twilio counts what is repeated once"


def test_accepts_any_of_several_tokens() -> None:
    request = sign(URL, {"a": "b"})
    spellings = list_url_spellings(URL)
    assert TwilioVerifier(["f" * 32, TOKEN]).verify_form(spellings, request.pairs, request.signature.encode())
    assert not TwilioVerifier(["f" * 32]).verify_form(spellings, request.pairs, request.signature.encode())
    assert not TwilioVerifier([]).verify_form(spellings, request.pairs, request.signature.encode())


@pytest.mark.parametrize("body", ['{"a": 1}', "", "Grüße"])
def test_agrees_with_twilio_on_bodies_that_are_no_forms(body: str) -> None:
    url = f"{URL}&bodySHA256={sha256(body.encode()).hexdigest()}"
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    verifier, spellings = TwilioVerifier([TOKEN]), list_url_spellings(url)
    for text in (body, body + " "):
        assert verifier.verify_body(spellings, text.encode(), signature.encode()) == RequestValidator(TOKEN).validate(url, text, signature)
    assert not verifier.verify_body(spellings, body.encode(), b"AAAA")


def test_a_body_without_its_hash_in_the_url_is_refused() -> None:
    signature = RequestValidator(TOKEN).compute_signature(URL, {})
    assert not TwilioVerifier([TOKEN]).verify_body(list_url_spellings(URL), b"", signature.encode())


def test_a_shared_key_verifies_with_its_own_algorithm_only() -> None:
    keys = parse_shared_keys("webhooks_key_1:HMAC_SHA256:sesame, webhooks_key_2:HMAC_SHA1:poppy")
    assert keys == {"webhooks_key_1": SharedKey(b"sesame", "HMAC_SHA256"), "webhooks_key_2": SharedKey(b"poppy", "HMAC_SHA1")}
    verifier, spellings, pairs = TwilioVerifier([TOKEN], keys), list_url_spellings(URL), {"a": "b"}
    by_sha256 = RequestValidator("sesame").compute_signature(URL, pairs, "HMAC_SHA256").encode()
    by_sha1 = RequestValidator("sesame").compute_signature(URL, pairs, "HMAC_SHA1").encode()
    by_token = RequestValidator(TOKEN).compute_signature(URL, pairs).encode()
    cases = [
        (by_sha256, "key=webhooks_key_1,algorithm=HMAC_SHA256", True),
        (by_sha256, "key=webhooks_key_1, algorithm=hmac_sha256", True),
        (by_sha256, "key=webhooks_key_1", True),
        (by_sha1, "key=webhooks_key_1,algorithm=HMAC_SHA1", False),  # the request cannot choose the weaker one
        (by_sha256, "key=webhooks_key_2,algorithm=HMAC_SHA256", False),
        (by_sha256, "key=unknown,algorithm=HMAC_SHA256", False),
        (by_sha256, "algorithm=HMAC_SHA256", False),
        (by_sha256, "", False),
        (by_token, "key=webhooks_key_1", False),
        (by_token, "", True),
        (by_token, "algorithm=HMAC_SHA1", True),
    ]
    for signature, header, is_genuine in cases:
        assert verifier.verify_form(spellings, pairs.items(), signature, header) is is_genuine, header


@pytest.mark.parametrize("text", ["sesame", "a:HMAC_SHA256", "a:MD5:sesame", ":HMAC_SHA1:sesame", "a:HMAC_SHA1:"])
def test_malformed_shared_keys_are_refused_without_their_secret(text: str) -> None:
    with pytest.raises(ValueError, match="key 1 is not") as error:
        parse_shared_keys(text)
    assert "sesame" not in str(error.value)


def test_spellings_of_a_url() -> None:
    assert list_url_spellings("https://h.example.org/x?a=b#rc=5") == [
        "https://h.example.org:443/x?a=b#rc=5",
        "https://h.example.org:443/x?a=b",
        "https://h.example.org/x?a=b#rc=5",
        "https://h.example.org/x?a=b",
    ]
    assert list_url_spellings("http://[2001:db8::1]:8080/x") == ["http://[2001:db8::1]:8080/x", "http://[2001:db8::1]/x"]
