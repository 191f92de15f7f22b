"""A version of a template is compared with the published one on recorded data."""

from typing import Any

import msgspec
import pytest

from agents.router.templates.cache import TemplateCache
from agents.router.templates.payload_check import MAX_IDS, check_payloads
from schemas.policy import Template, TemplateDetails
from schemas.template_payloads import ChannelUsage, RecordedPayload

NAME = "shipped"


def build_cache(
    version: int = 1, text: str = "Order {{ order }}", german: str = "Bestellung {{ order }}", variables: str = ""
) -> TemplateCache:
    templates = [
        Template(NAME, version, "sms", "default", text=text),
        Template(NAME, version, "sms", "de", text=german),
        Template(NAME, version, "push", "default", "Order", text),
    ]
    return TemplateCache(templates, None, [TemplateDetails(NAME, version, variables)])


def build_payload(number: int = 1, locale: str = "", **data: Any) -> RecordedPayload:
    return RecordedPayload(f"ntf_{number}", "u-1", {"order": "A-1", **data}, ("sms",), locale)


def test_a_failure_of_the_new_version_names_the_notification_and_the_place() -> None:
    payloads = [build_payload(1, name="Ada"), build_payload(2)]
    report = check_payloads(build_cache(), build_cache(2, german="{{ name }}"), NAME, payloads, {})
    assert (report.payloads, report.failed, report.failed_before) == (2, 1, 0)
    (failure,) = report.failures
    assert (failure.ids, failure.channel, failure.locale, failure.reason) == (["ntf_2"], "sms", "de", "missing_variable")
    summary, text = report.describe_failures()
    assert summary == "1 of 2 recorded notifications fail with this version only"
    assert text.startswith("sms de: template shipped@2 de for sms: 'name' is undefined")
    assert text.endswith(", with ntf_2")


def test_data_that_is_not_as_declared_is_a_failure() -> None:
    after = build_cache(2, variables='{"properties":{"order":{"type":"integer"}}}')
    report = check_payloads(build_cache(), after, NAME, [build_payload()], {})
    assert {(one.reason, one.locale) for one in report.failures} == {("invalid_variables", "default"), ("invalid_variables", "de")}


def test_what_fails_already_does_not_hold_up_a_better_version() -> None:
    report = check_payloads(
        build_cache(text="{{ a }}", german="{{ a }}"), build_cache(2, text="x", german="{{ a }}"), NAME, [build_payload()], {}
    )
    assert (report.failed, report.failed_before, report.failures, report.usage) == (0, 1, [], [])
    new = check_payloads(TemplateCache([]), build_cache(german="{{ a }}"), NAME, [build_payload()], {})
    assert (new.failed, new.failed_before) == (1, 0)


def test_failures_are_counted_by_notification_and_listed_up_to_a_limit() -> None:
    payloads = [build_payload(number) for number in range(50)]
    report = check_payloads(build_cache(), build_cache(2, "{{ a }}", "{{ a }}"), NAME, payloads, {})
    assert (report.failed, [(one.locale, one.count, len(one.ids)) for one in report.failures]) == (
        50,
        [("de", 50, MAX_IDS), ("default", 50, MAX_IDS)],
    )
    assert report.describe_failures()[1].endswith("ntf_8, ntf_9 and 40 more")
    without = [msgspec.structs.replace(one, ids=[]).describe() for one in report.failures]
    assert [(text.endswith(", with 50"), "ntf_" in text) for text in without] == [(True, False)] * 2


@pytest.mark.parametrize(("locale", "text"), [("", "Order A-1"), ("de-AT", "Bestellung A-1"), ("fr", "Order A-1")])
def test_size_segments_and_cost_are_those_of_the_users_locale(locale: str, text: str) -> None:
    after = build_cache(2, text="Order {{ order }}" + " x" * 80, german="Bestellung {{ order }}" + " x" * 80)
    report = check_payloads(build_cache(), after, NAME, [build_payload(locale=locale)] * 3, {"sms": 0.05})
    size = len(f'{{"kind":"sms","text":"{text}"}}')
    assert report.usage == [ChannelUsage("sms", 3, 3 * size, 3 * (size + 160), 3, 6, 0.15, 0.3)]


def test_a_channel_that_is_new_has_no_cost_before() -> None:
    before = TemplateCache([Template(NAME, 1, "push", "default", "Order", "x")])
    report = check_payloads(before, build_cache(2), NAME, [build_payload()], {"sms": 0.05})
    assert [(one.channel, one.cost_before, one.cost_after) for one in report.usage] == [("sms", 0.0, 0.05)]


def test_a_variant_is_compared_with_the_template_that_had_none() -> None:
    variants = '{"b":{"weight":100,"sms":{"default":{"text":"{{ name }} {{ order }}"}}}}'
    templates = [Template(NAME, 2, "sms", "default", text="Order {{ order }}")]
    after = TemplateCache(templates, None, [TemplateDetails(NAME, 2, experiment="e", variants=variants)])
    before = TemplateCache([Template(NAME, 1, "sms", "default", text="Order {{ order }}")])
    report = check_payloads(before, after, NAME, [build_payload(1, name="Ada"), build_payload(2)], {})
    assert [(one.ids, "default b for sms" in one.problem) for one in report.failures] == [(["ntf_2"], True)]
    assert [(one.messages, one.size_after - one.size_before) for one in report.usage] == [(1, -2)]  # "Ada A-1", which all users get
