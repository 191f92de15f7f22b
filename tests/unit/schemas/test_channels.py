"""The catalogue of channels: complete, and each with one way to make its content."""

from typing import get_args

import pytest

from schemas.channels import CHANNEL_NAMES, CHANNELS, Channel, ChannelName, get_channel
from schemas.content import Content, Part, render_nothing


def test_the_catalogue_and_the_names_agree() -> None:
    assert tuple(channel.name for channel in CHANNELS) == CHANNEL_NAMES == get_args(ChannelName)


def test_each_channel_has_a_content_of_its_own_which_a_delivery_can_carry() -> None:
    contents = [channel.content for channel in CHANNELS]
    assert len(set(contents)) == len(contents)
    assert set(contents) == set(get_args(Content))


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_the_content_is_rendered_and_of_some_channels_built_from_data(channel: Channel) -> None:
    compiled: list[str] = []

    def compile_part(part: str) -> Part:
        compiled.append(part)
        return render_nothing if part in ("template_id", "options") else lambda variables: f'{{"{part}": "{variables["name"]}"}}'

    contents = [channel.build_renderer(compile_part)({"name": "Ada"})]
    assert set(compiled) == set(channel.parts)
    if channel.build_content is not None:
        contents.append(channel.build_content("order.shipped", {"name": "Ada"}))
    assert {type(content) for content in contents} == {channel.content}
    assert all("Ada" in repr(content) for content in contents)


def test_a_channel_is_found_by_its_name() -> None:
    assert [get_channel(name).name for name in CHANNEL_NAMES] == list(CHANNEL_NAMES)
