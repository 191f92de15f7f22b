"""What a provider would not take: the part and the limit are named, to the character."""

from collections.abc import Sequence

import pytest

from schemas.channels import CHANNELS, get_channel
from schemas.content import Content, EmailContent, PushContent, SmsContent
from schemas.content_limits import BLANK_CONTENT, PROVIDER_LIMIT, compute_fcm_bytes
from schemas.push_options import PushOptions

CHANNEL_BY_CONTENT = {channel.content: channel.name for channel in CHANNELS}
ROOM = 4096 - compute_fcm_bytes(PushContent("t", "")) - 1  # bytes left for a body after the title, the keys and the delivery's id
TOPIC = ["device", "topic:news"]


def find(content: Content, addresses: Sequence[str] = ()) -> tuple[str, str]:
    find_problem = get_channel(CHANNEL_BY_CONTENT[type(content)]).find_problem
    problem = find_problem(content, addresses) if find_problem else None
    return (problem.reason, problem.text) if problem else ("", "")


@pytest.mark.parametrize(
    ("content", "addresses"),
    [
        (EmailContent("s" * 998, "", "<p>"), []),
        (SmsContent("x" * 1600), []),
        (SmsContent("é" * 1600), []),
        (SmsContent("\U0001f600" * 800), []),
        (EmailContent("", "", template_id="d-1"), []),
        (PushContent("t", "b", image="https://a.b/c", link="shop://orders/1"), []),
        (PushContent("t", "b", options=PushOptions("k" * 64, "high")), []),
        (PushContent("t", "x" * (ROOM + 1)), ["device"]),
        (PushContent("t", "é" * (ROOM // 2)), ["device"]),
        (PushContent("t", "x" * (ROOM + 1 - 2048)), TOPIC),
        (PushContent("t", "b", {"gcmx": "1", "fromage": "1", "order": "17", "collapse_key": "k"}), []),
    ],
)
def test_what_is_within_the_limits_passes(content: Content, addresses: list[str]) -> None:
    assert find(content, addresses) == ("", "")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (EmailContent("", "text"), "the subject is blank"),
        (EmailContent("s", "", ""), "the text and the html are blank"),
        (SmsContent(""), "the text is blank"),
        (PushContent("", "b"), "the title is blank"),
        (PushContent("t", ""), "the body is blank"),
    ],
)
def test_a_blank_part_is_named(content: Content, part: str) -> None:
    reason, text = find(content)
    assert (reason, text.partition(":")[0]) == (BLANK_CONTENT, part)


@pytest.mark.parametrize(
    ("content", "addresses", "words"),
    [
        (EmailContent("s" * 999, "t"), [], ["subject", "999", "998"]),
        (SmsContent("x" * 1601), [], ["text", "1601", "1600"]),
        (SmsContent("\U0001f600" * 800 + "x"), [], ["text", "1601", "1600"]),  # an emoji counts as two
        (PushContent("t", "b", image="http://a.b/c"), ["device"], ["the image", "https://"]),
        (PushContent("t", "b", link="javascript://x%0aalert(1)"), ["device"], ["the link"]),
        (PushContent("t", "b", link="orders/1"), ["device"], ["the link"]),
        (PushContent("t", "b", options=PushOptions("k" * 65)), ["device"], ["collapse_key", "64"]),
        (PushContent("t", "b", options=PushOptions("a\nb")), ["device"], ["collapse_key", "ASCII"]),
        (PushContent("t", "x" * (ROOM + 2)), ["device"], ["body", "4097", "4096"]),
        (PushContent("t", "b", {"k": "x" * ROOM}), ["device"], ["data", "4097", "4096"]),
        (PushContent("t", "x" * (ROOM + 2 - 2048)), TOPIC, ["body", "2049", "2048", "topic"]),
        (PushContent("t", "é" * 1000), TOPIC, ["2057", "2048"]),
        *(
            (PushContent("t", "b", {key: "1"}), [], [f"`{key}`"])
            for key in ("from", "message_type", "gcm", "gcm.x", "google.x", "googlex", "herold_receipt")
        ),
    ],
)
def test_what_is_beyond_a_limit_is_named(content: Content, addresses: list[str], words: list[str]) -> None:
    reason, text = find(content, addresses)
    assert reason == PROVIDER_LIMIT
    assert all(word in text for word in words), text
