"""A provider that a YAML file describes: requests, and errors at the start that name the place in the file."""

from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from agents.providers.http_api import HttpApi, Settings, build_provider
from agents.providers.http_api_file import ApiFile
from dev.simulators.protocol import ServerRequest, ValidRequest
from dev.simulators.twilio import TwilioSimulator
from schemas.content import PushContent, SmsContent
from schemas.errors import SettingError
from schemas.http import HttpRequest
from schemas.push_options import PushOptions
from tests.delivery_builders import ADDRESSES, NOW, build_delivery

URL = "https://api.example.org/v1/send"


def build_api(channel: str = "sms", secret: str = "secret-key", **request: Any) -> HttpApi:
    document = {"channel": channel, "request": {"url": URL, **request}}
    return HttpApi(msgspec.convert(document, ApiFile), secret)


def send(api: HttpApi, **changes: Any) -> HttpRequest:
    request = api.build_request(build_delivery(api.channel, **changes), 2, NOW)
    assert isinstance(request, HttpRequest)
    return request


def send_json(value: Any, channel: str = "sms", **changes: Any) -> Any:
    return msgspec.json.decode(send(build_api(channel, json=value), **changes).body)


def read_headers(request: HttpRequest) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in request.head.decode().split("\r\n")[1:] if line)


def test_a_variable_alone_keeps_its_kind_and_a_part_of_a_text_is_text() -> None:
    found = send_json({"to": ["{address}"], "ttl": "{expires_in}", "n": "{attempt}", "id": "try {attempt} of {delivery_id}", "kind": 7})
    assert found == {
        "to": [ADDRESSES["sms"]],
        "ttl": 3600,
        "n": 2,
        "id": f"try 2 of {build_delivery('sms').id}",
        "kind": 7,
    }


def test_braces_are_written_twice_and_a_text_cannot_add_a_variable() -> None:
    content = SmsContent('{address} ${secret} "} \n')
    assert send_json({"a": "{{x}} {text}", "b": "{text}"}, content=content) == {"a": f"{{x}} {content.text}", "b": content.text}


def test_a_push_message_has_data_and_leaves_out_what_is_empty() -> None:
    value = {"m": {"title": "{title}", "image": "{image?}", "link": "{link?}", "data": "{data}", "tag": "{collapse_key}"}}
    content = PushContent("t", "b", {"k": "v"}, link="app://x", options=PushOptions("match-7"))
    assert send_json(value, "push", content=content) == {"m": {"title": "t", "link": "app://x", "data": {"k": "v"}, "tag": "match-7"}}
    assert send_json(value, "push")["m"]["tag"] == build_delivery("push").notification_id


def test_an_expired_delivery_never_lives_less_than_a_second() -> None:
    assert send_json({"ttl": "{expires_in}"}, expires_at=NOW - 5) == {"ttl": 1}


def test_a_form_is_encoded() -> None:
    request = send(build_api(form={"To": "{address}", "Body": "{text}", "a b": "c&d"}), content=SmsContent("50 % & more"))
    assert dict(parse_qsl(request.body.decode())) == {"To": ADDRESSES["sms"], "Body": "50 % & more", "a b": "c&d"}
    assert read_headers(request)["Content-Type"] == "application/x-www-form-urlencoded"


def test_secrets_come_from_the_setting_and_from_files(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from {file}\n")
    api = build_api(headers={"X-Key": "k ${secret}", "X-File": f"${{file:{file}}}"}, json={"key": "${secret}", "to": "{address}"})
    request = send(api)
    headers = read_headers(request)
    assert (headers["X-Key"], headers["X-File"]) == ("k secret-key", "from {file}")
    assert msgspec.json.decode(request.body)["key"] == "secret-key"


def test_basic_authentication_and_another_method() -> None:
    request = send(build_api(method="PUT", basic_auth={"username": "u", "password": "${secret}"}, json={}))
    assert request.head.startswith(b"PUT /v1/send HTTP/1.1\r\n")
    assert b64decode(read_headers(request)["Authorization"].removeprefix("Basic ")) == b"u:secret-key"
    assert (request.body, read_headers(request)["Content-Type"]) == (b"{}", "application/json")


def test_a_header_may_make_a_call_idempotent() -> None:
    delivery = build_delivery("sms")
    headers = read_headers(send(build_api(headers={"Idempotency-Key": "{delivery_id}-{attempt}"}, json={"to": "{address}"})))
    assert headers["Idempotency-Key"] == f"{delivery.id}-2"


@pytest.mark.parametrize(
    ("request_entry", "problem"),
    [
        ({"json": {"to": "{adress}"}}, r"request\.json\.to: there is no variable \{adress\} here; there are address"),
        ({"json": {"a": [{"b": "{"}]}}, r"request\.json\.a\[0\]\.b: there is a single \{"),
        ({"json": {"a": "x}"}}, r"request\.json\.a: there is a single \}"),
        ({"json": {"a": "{title}"}}, "no variable"),
        ({"json": {"a": "x {text?}"}}, r"request\.json\.a: \{text\?\} must be the whole text"),
        ({"json": {"a": "${env:KEY}"}}, r"\$\{env:KEY\} is neither"),
        ({"json": {"a": "${file:/no/such/file}"}}, "the file /no/such/file cannot be read"),
        ({"json": {}, "form": {}}, "request: has either json or form"),
        ({}, "request: has either json or form"),
        ({"form": {"to": "{data}"}}, r"request\.form\.to: there is no variable"),
        ({"json": {}, "url": "ftp://a.example.org"}, r"request\.url: a URL must be http"),
        ({"json": {}, "headers": {"X-A": "{address}"}}, r"request\.headers\.X-A: there is no variable"),
        ({"json": {}, "headers": {"X-A": "a\r\nb"}}, r"request\.headers\.X-A: the value"),
        ({"json": {}, "headers": {"Host": "a"}}, r"request\.headers\.Host: is no name"),
        ({"json": {}, "headers": {"X A": "a"}}, r"request\.headers\.X A: is no name"),
        ({"json": {}, "headers": {"authorization": "a"}, "basic_auth": {"username": "a", "password": "b"}}, "Authorization, too"),
    ],
)
def test_a_request_that_cannot_be_made_names_the_place(request_entry: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        build_api(**request_entry)


def test_a_missing_secret_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"request\.headers\.X-A: the setting secret is empty"):
        build_api(secret="", headers={"X-A": "${secret}"}, json={})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("channel: sms\nrequest: {url: 'https://a.b', json: {}}\nextra: 1\n", r"api\.yml: extra: is not a known field"),
        ("channel: fax\nrequest: {url: 'https://a.b', json: {}}\n", r"api\.yml: channel: "),
        ("channel: sms\n", r"api\.yml: request: is missing"),
        ("channel: sms\nrequest: {url: 7, json: {}}\n", r"api\.yml: request\.url: must be a string"),
        ("channel: [\n", r"api\.yml: line 2: is not YAML"),
        ("channel: sms\nrequest: {url: 'https://a.b', json: {a: '{b}'}}\n", r"api\.yml: request\.json\.a: there is no variable"),
        (
            "channel: sms\nrequest: {url: 'https://a.b', json: {}}\nresponse: {outcomes: [{status: 999, outcome: ACCEPTED}]}\n",
            r"api\.yml: response\.outcomes\[0\]\.status: ",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_at_the_start(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "api.yml"
    file.write_text(text)
    with pytest.raises(SettingError, match=problem) as caught:
        build_provider(Settings(str(file), ""))
    assert caught.value.key == "file"


@pytest.mark.parametrize("file", ["", "/no/such/file.yml"])
def test_a_missing_file_is_an_error_at_the_start(file: str) -> None:
    with pytest.raises(SettingError, match=r"is empty|cannot be read"):
        build_provider(Settings(file, ""))


def test_a_file_can_describe_twilio(tmp_path: Path) -> None:
    file = tmp_path / "twilio.yml"
    file.write_text("""
name: twilio-by-file
channel: sms
request:
  url: https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000017/Messages.json
  basic_auth: {username: SK00000000000000000000000000000017, password: "${secret}"}
  form: {To: "{address}", From: "+15005550006", Body: "{text}", ValidityPeriod: "{expires_in}"}
response: {accepted: 201, message_id: sid, error_code: code}
""")
    api = build_provider(Settings(str(file), "secret"))
    request = send(api, content=SmsContent("Grüße & more"))
    headers = {name.lower().encode(): value.encode() for name, value in read_headers(request).items()}
    target = request.head.split(b" ")[1]
    parsed = TwilioSimulator().parse_request(ServerRequest(b"POST", target, b"", headers, request.body))
    assert isinstance(parsed, ValidRequest)
    assert (parsed.details.to, parsed.details.body, api.name) == (ADDRESSES["sms"], "Grüße & more", "twilio-by-file")
