"""A delivery carries its rendered content through JSON, whatever its channel."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.channels import CHANNEL_NAMES
from schemas.content import Content, EmailContent, PushContent, SmsContent, WebhookContent
from schemas.delivery import Delivery

texts = st.text(max_size=20)
contents = (
    st.builds(EmailContent, texts, texts, texts)
    | st.builds(SmsContent, texts)
    | st.builds(PushContent, texts, texts, st.dictionaries(texts, texts, max_size=3))
    | st.builds(WebhookContent, texts, st.dictionaries(texts, st.integers(0, 9), max_size=3))
)
deliveries = st.builds(
    Delivery,
    id=texts,
    notification_id=texts,
    user_id=texts,
    channel=st.sampled_from(CHANNEL_NAMES),
    address=texts,
    content=contents,
    created_at=st.floats(0, 1e10),
    expires_at=st.floats(0, 1e10),
    attempt=st.integers(0, 9),
    redrive_count=st.integers(0, 9),
    possible_duplicate=st.booleans(),
)


@given(deliveries)
def test_a_delivery_survives_json(delivery: Delivery) -> None:
    assert msgspec.json.decode(msgspec.json.encode(delivery), type=Delivery) == delivery


@given(contents)
def test_content_keeps_its_kind(content: Content) -> None:
    decoded = msgspec.json.decode(msgspec.json.encode(content), type=Content)
    assert (type(decoded), decoded) == (type(content), content)


def test_the_kind_of_content_is_the_name_of_its_channel() -> None:
    kinds = [struct.__struct_config__.tag for struct in (EmailContent, SmsContent, PushContent, WebhookContent)]
    assert tuple(kinds) == CHANNEL_NAMES


def test_content_of_an_unknown_kind_is_rejected() -> None:
    with pytest.raises(msgspec.ValidationError, match="kind"):
        msgspec.json.decode(b'{"kind":"fax","text":"x"}', type=Content)
