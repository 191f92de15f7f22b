"""Previews: every channel and locale, with sizes, SMS segments and problems."""

from agents.router.templates.cache import TemplateCache
from agents.router.templates.preview import preview_template
from schemas.policy import Template, TemplateDetails
from schemas.sms_segments import SmsSegments

TEMPLATES = [
    Template("t", 1, "email", "default", "S", "{{ at|time('HH:mm') }} {{ n|number }}"),
    Template("t", 1, "email", "de", "S", "{{ at|time('HH:mm') }} {{ n|number }}"),
    Template("t", 1, "sms", "default", text="“{{ n }}”"),
    Template("other", 1, "push", "default", "a", "b"),
]
DATA = {"at": "2026-07-01T12:00:00Z", "n": 1234}


def test_each_channel_is_shown_in_each_of_its_locales() -> None:
    contents = preview_template(TemplateCache(TEMPLATES), "t", DATA, zone="Europe/Vienna")
    assert [(one.channel, one.locale, (one.content or {})["text"]) for one in contents] == [
        ("email", "de", "14:00 1.234"),
        ("email", "default", "14:00 1,234"),
        ("sms", "default", "“1234”"),
    ]
    assert contents[0].size == len(b'{"kind":"email","subject":"S","text":"14:00 1.234"}')
    assert contents[2].sms == SmsSegments("GSM-7", 1, 6, 154)  # the quotes are replaced by smart encoding


def test_one_locale_is_shown_as_its_users_see_it() -> None:
    contents = preview_template(TemplateCache(TEMPLATES), "t", DATA, "de-CH")
    assert [(one.content or {})["text"] for one in contents] == ["12:00 1'234", "“1234”"]


def test_each_variant_is_shown_on_the_channels_on_which_it_differs() -> None:
    variants = '{"short":{"weight":10,"sms":{"default":{"text":"{{ n }}!"}}}}'
    contents = preview_template(TemplateCache(TEMPLATES, details=[TemplateDetails("t", 1, experiment="t", variants=variants)]), "t", DATA)
    assert [(one.channel, one.variant, (one.content or {})["text"]) for one in contents if one.locale == "default"] == [
        ("email", "control", "12:00 1,234"),
        ("sms", "control", "“1234”"),
        ("sms", "short", "1234!"),
    ]


def test_what_fails_is_a_problem_with_its_reason() -> None:
    assert [one.reason for one in preview_template(TemplateCache(TEMPLATES), "t", {"n": 1}, "de")] == ["missing_variable", ""]
    typed = TemplateCache(TEMPLATES, details=[TemplateDetails("t", 1, '{"required":["name"]}')])
    assert {(one.reason, one.problem) for one in preview_template(typed, "t", {"n": 1})} == {
        ("invalid_variables", '"name" is a required property - at $.data.name')
    }
