import re
from pathlib import Path

import pytest

from app.admin.category_problems import is_misspelling
from app.admin.policy import find_problems, format_document, parse_document
from schemas.errors import PolicyDocumentError
from schemas.policy import DigestPolicy, Policy, PriorityCase, RateLimit, Rule, Template, TemplateDetails
from schemas.policy_document import PolicyChange, build_document, list_changes, merge_document
from tables.postgres.seed import load_seed_policy

SEED = load_seed_policy()
DOCUMENT = b"""
rules:
  - {type: parcel.lost, category: transactional, priority: medium, channels: [email, webhook]}
  - {type: order.shipped, category: transactional, priority: low, channels: [email], template: order-shipped}
rate_limits:
  - {channel: sms, max_count: 5, window_seconds: 3600}
  - {channel: sms, max_count: 1, window_seconds: 60}
templates:
  parcel.lost:
    email:
      default: {subject: "Parcel {{ parcel }}", text: "It is lost, {{ name }}."}
"""


RULE_WITH_ALL_FIELDS = b"""
rules:
  - type: t
    category: marketing
    channels: [webhook]
    strategy: first
    template: t
    mandatory: true
    consent: opt_in
    quiet_hours: reject
    over_limit: hold
    condition: data.total > 10
    priorities: [{when: "user.tier == 'gold'", priority: high}]
    expires_after: 600
    digest: {cron: "0 8 * * *", max_count: 20, key: string(data.team), template: t, by_default: false}
  - {type: u, category: c, channels: [webhook, email], strategy: escalate, escalate_after: 60, escalate_unless: sent}
rate_limits:
  - {category: marketing, tier: gold, max_count: 9, window_seconds: 86400}
  - {channel: sms, category: marketing, max_count: 2, window_seconds: 3600}
"""


def test_a_name_with_a_space_that_nobody_sees_is_a_problem() -> None:
    document = DOCUMENT.replace(b"  parcel.lost:", b'  "parcel.lost ":').replace(b"max_count: 1,", b"max_count: 1, tier: ' gold',")
    document += b"partials: {'footer ': {default: {text: Bye}}}\n"
    problems = [problem for problem in find_problems(SEED, parse_document(document)) if "begins or ends with a space" in problem]
    assert [problem.partition(": ")[0] for problem in problems] == ["template 'parcel.lost '", "partial 'footer '", "rate_limits[1].tier"]


def test_a_document_adds_and_changes_and_removes_nothing() -> None:
    document = parse_document(DOCUMENT)
    assert find_problems(SEED, document) == []
    merged = merge_document(SEED, document)
    assert list_changes(SEED, merged) == [
        PolicyChange("rule", "order.shipped", "changed", 2),
        PolicyChange("rule", "parcel.lost", "added", 1),
        PolicyChange("template", "parcel.lost", "added", 1),
        PolicyChange("rate_limit", "sms in 3600 s", "changed"),
        PolicyChange("rate_limit", "sms in 60 s", "added"),
    ]
    assert set(SEED.rules) < set(merged.rules)
    assert set(SEED.templates) < set(merged.templates)
    assert len(merged.rate_limits) == len(SEED.rate_limits) + 1


def test_a_rule_and_a_limit_have_all_their_fields() -> None:
    document = parse_document(RULE_WITH_ALL_FIELDS)
    policy = merge_document(SEED, document)
    assert policy.rules["t"] == Rule(
        "t", "marketing", None, ("webhook",), "first", "t", True, 1, "opt_in", "reject", "hold", "data.total > 10",
        (PriorityCase("user.tier == 'gold'", "high"),), 600, DigestPolicy(0, "0 8 * * *", 20, "string(data.team)", "t", False),
    )  # fmt: skip
    assert policy.rules["u"] == Rule(
        "u", "c", None, ("webhook", "email"), "escalate", escalate_after=60, escalate_unless="sent",
    )  # fmt: skip
    assert policy.rate_limits[-2:] == (RateLimit("", 9, 86400, "marketing", "gold"), RateLimit("sms", 2, 3600, "marketing"))
    assert [change.name for change in list_changes(SEED, policy)[2:]] == [
        "all channels in 86400 s for category marketing for tier gold",
        "sms in 3600 s for category marketing",
    ]
    assert list_changes(policy, merge_document(policy, parse_document(format_document(build_document(policy)).encode()))) == []


def test_the_same_document_changes_nothing_the_second_time() -> None:
    document = parse_document(DOCUMENT)
    merged = merge_document(SEED, document)
    assert list_changes(merged, merge_document(merged, document)) == []


def test_a_template_is_replaced_as_a_whole_by_its_next_version() -> None:
    merged = merge_document(SEED, parse_document(b"templates: {account-otp: {sms: {default: {text: new}}}}"))
    templates = [template for template in merged.templates if template.name == "account-otp"]
    assert templates == [Template("account-otp", 2, "sms", "default", "", "new")]


def test_details_make_a_version_and_survive_being_printed() -> None:
    text = b"templates: {a: {variables: {type: object}, language: fr, samples: {x: {n: 1.0}}, sms: {default: {text: new}}}}"
    first = merge_document(SEED, parse_document(text))
    assert first.template_details[-1] == TemplateDetails("a", 1, '{"type":"object"}', "fr", '{"x":{"n":1.0}}')
    assert list_changes(first, merge_document(first, parse_document(format_document(build_document(first)).encode()))) == []
    second = merge_document(first, parse_document(text.replace(b"fr", b"it")))
    assert list_changes(first, second) == [PolicyChange("template", "a", "changed", 2)]


def test_at_most_once_is_a_part_of_the_version() -> None:
    text = b"templates: {a: {sms: {default: {text: new}}, at_most_once: true}}"
    first = merge_document(SEED, parse_document(text))
    assert first.template_details[-1] == TemplateDetails("a", 1, at_most_once=True)
    printed = format_document(build_document(first))
    assert "at_most_once: true" in printed
    assert list_changes(first, merge_document(first, parse_document(printed.encode()))) == []
    second = merge_document(first, parse_document(text.replace(b"true", b"false")))
    assert list_changes(first, second) == [PolicyChange("template", "a", "changed", 2)]


def test_a_changed_partial_is_a_change_and_is_compiled_into_old_templates() -> None:
    first = merge_document(SEED, parse_document((PARTIAL % "v1").encode()))
    assert list_changes(SEED, first)[-1] == PolicyChange("partial", "f", "added")
    changed = parse_document(b"partials: {f: {de: {text: '{{ 1'}}}")
    assert list_changes(first, merge_document(first, changed)) == [PolicyChange("partial", "f", "changed")]
    assert any("template a@1 default for sms: there is no partial 'f' in default" in one for one in find_problems(first, changed))
    assert list_changes(first, merge_document(first, parse_document(format_document(build_document(first)).encode()))) == []


def test_a_push_message_has_a_title_and_a_body() -> None:
    policy = merge_document(SEED, parse_document(b"templates: {a: {push: {de: {title: T, body: B, image: I, link: L}}}}"))
    assert policy.templates[-1] == Template("a", 1, "push", "de", "T", "B", image="I", link="L")
    assert "title: T\n        body: B\n" in format_document(build_document(policy))


def test_a_policy_that_is_printed_is_the_same_policy_again() -> None:
    document = parse_document(format_document(build_document(SEED)).encode())
    assert list_changes(SEED, merge_document(SEED, document)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"rules: [", "is not YAML"),
        (b"rules: [{type: t, category: c, priority: urgent, channels: [sms]}]", "not one of high, medium, low - at $.rules[0].priority"),
        (
            b"rules: [{type: t, category: c, priority: low, channels: [fax]}]",
            "not one of email, sms, push, webhook - at $.rules[0].channels[0]",
        ),
        (
            b"rules: [{type: t, category: c, channels: [sms, email], strategy: escalate, escalate_after: 9, escalate_unless: opened}]",
            "'opened' is not one of sent, delivered, read - at $.rules[0].escalate_unless",
        ),
        (b"rules: [{type: t, category: c, priority: low, channels: []}]", "at least 1 item - at $.rules[0].channels"),
        (b"rules: [{type: t, category: c, priority: low, chanels: [sms]}]", "is not a known field - at $.rules[0].chanels"),
        (b"rules: [{type: t, category: c, channels: [sms], digest: {window: 2592001}}]", "at most 2592000 - at $.rules[0].digest.window"),
        (b"rules: [{type: t, category: c, channels: [sms], digest: {windows: 60}}]", "not a known field - at $.rules[0].digest.windows"),
        (b"rules: [{type: t, category: c, channels: [sms], digest: daily}]", "must be an object"),
        (b"limits: []", "is not a known field - at $.limits"),
        (b"rate_limits: [{channel: sms, max_count: 1, window_seconds: 604801}]", "at most 604800 - at $.rate_limits[0].window_seconds"),
        (b"templates: {a: {sms: {no: {text: x}}}}", "must be a string"),
        (b"templates: {a: {fax: {de: {text: x}}}}", "is not a known field - at $.templates[...].fax"),
    ],
)
def test_a_document_that_is_not_valid_is_an_error_with_its_place(text: bytes, problem: str) -> None:
    with pytest.raises(PolicyDocumentError) as caught:
        parse_document(text)
    assert problem in str(caught.value)


PARTIAL = 'partials: {f: {default: {text: "%s"}}}\ntemplates: {a: {sms: {default: {text: "x\\n{%% include \'f\' %%}"}}}}'
RULE = "{type: t, category: c, priority: low, channels: [%s]%s}"
PRIORITIES = ', priorities: [{when: "true", priority: low}, {when: user.teir == 1, priority: low}]'
LIMIT = "{channel: sms, max_count: 1, window_seconds: 9}"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"rules: [{RULE % ('sms', '')}]", "rule t: template: no template `t` for sms"),
        (f"rules: [{RULE % ('push', ', template: account-otp')}]", "no template `account-otp` for push"),
        ("templates: {a: {sms: {default: {text: '{% if %}'}}}}", "template a@1 default for sms"),
        (PARTIAL % "{% include 'f' %}", "partial f default: partials include each other: f > f, in partial f default, text, line 1"),
        (PARTIAL % "{% if %}", "template a@1 default for sms: "),  # the template that includes it
        (PARTIAL % "", "template a@1 default for sms: the partial 'f' default has no text, in text, line 2"),
        ("partials: {f: {de: {}}}", "partial f de: it has neither text nor html"),
        (
            "partials: {f: {de: {text: x}}}\ntemplates: {a: {sms: {en: {text: \"{% include 'f' %}\"}}}}",
            "there is no partial 'f' in en or default",
        ),
        ("templates: {a: {}}", "templates.a: it has no channel"),
        ('templates: {a: {sms: {de: {text: "\\0"}}}}', "$.templates.a.sms.de.text: has the character NUL"),
        ("templates: {a: {variables: {type: strin}, sms: {de: {text: x}}}}", "template a: the value is not valid under any"),
        (
            "templates: {a: {variables: {required: [n]}, samples: {few: {m: 1}}, sms: {de: {text: x}}}}",
            'template a, sample few: "n" is a required property - at $.data.n',
        ),
        (
            "templates: {a: {webhook: {default: {text: x}}}}",
            "a.webhook.default: there is no part text on this channel; it has body",
        ),
        ("templates: {a: {sms: {de: {html: x}}}}", "templates.a.sms.de: there is no part html on this channel; it has text"),
        ("templates: {a: {push: {de: {title: a, subject: b, body: x}}}}", "title and subject are the same part"),
        ("templates: {a: {email: {de: {template_id: d-1}}}}", "is d- and 32 hexadecimal digits"),
        (f"templates: {{a: {{email: {{de: {{subject: s, template_id: d-{'1' * 32}}}}}}}}}", "takes the place of all other parts"),
        ("templates: {t: {sms: {de: {text: x}}}}\n" + f"rules: [{RULE % ('sms', '')}]", "no template `t` for sms in default"),
        (f"rules: [{RULE % ('webhook, webhook', '')}]", "rule t: channels[1]: webhook is listed twice"),
        (
            f"rules: [{RULE % ('webhook', ', mandatory: true, consent: opt_in')}]",
            "consent: a mandatory rule cannot ask for an opt-in",
        ),
        (f"rules: [{RULE % ('webhook', ', escalate_after: 9')}]", "rule t: escalate_after: has no effect with the strategy all"),
        (f"rules: [{RULE % ('webhook, sms', ', strategy: escalate')}]", "rule t: escalate_after: is missing"),
        (f"rules: [{RULE % ('webhook', ', strategy: escalate, escalate_after: 9')}]", "channels: the strategy escalate needs two"),
        (
            f"rules: [{RULE % ('webhook, sms', ', strategy: escalate, escalate_after: 60, expires_after: 60')}]",
            "escalate_after: the last channel would follow after 60 s, when the notification has expired: it lives 60 s",
        ),
        (f"rules: [{RULE % ('webhook', '')}, {RULE % ('webhook', '')}]", "another rule above"),
        (f"rate_limits: [{LIMIT}, {LIMIT}]", "another limit"),
        (f"rules: [{RULE % ('webhook', ', condition: data.total >')}]", "rule t: condition: line 1, column 13: Syntax error"),
        (f"rules: [{RULE % ('webhook', ', digest: {}')}]", "rule t: digest: needs a `window` in seconds or a `cron` expression"),
        (f"rules: [{RULE % ('webhook', ', digest: {window: 9, cron: 0 8 * * *}')}]", "rule t: digest: has a window and a cron expression"),
        (f"rules: [{RULE % ('webhook', ', digest: {cron: 0 8 30 2 *}')}]", "digest.cron: the day of the month of the cron expression"),
        (f"rules: [{RULE % ('webhook', ', digest: {window: 9, key: 1 + 1}')}]", "rule t: digest.key: gives INT, not text: `string(...)`"),
        (f"rules: [{RULE % ('push', ', template: otp, digest: {window: 9, template: nil}')}]", "digest.template: no template `nil`"),
        (
            f"rules: [{RULE % ('webhook', PRIORITIES)}]",
            "rule t: priorities[1].when: line 1, column 5: there is no `user.teir`",
        ),
        (
            "rules: [{type: '@acme/t', category: marketing, channels: [webhook], template: otp}]",
            "template: 'otp' is of another project than the type '@acme/t'",
        ),
        (
            "rules: [{type: t, category: marketing, channels: [webhook], digest: {window: 9, template: '@acme/otp'}}]",
            "digest.template: '@acme/otp' is of another project than the type 't'",
        ),
        (
            "rules: [{type: t, category: markting, channels: [webhook]}]",
            "rule t: category: 'markting' would be a new category, and is nearly",
        ),
        (
            "rate_limits: [{channel: sms, max_count: 1, window_seconds: 9, category: markting}]",
            "category: no rule has the category 'markting'; the categories are: feedback, marketing, security, transactional",
        ),
    ],
)
def test_a_document_that_the_router_could_not_use_is_a_problem(text: str, problem: str) -> None:
    assert any(problem in found for found in find_problems(SEED, parse_document(text.encode())))


@pytest.mark.parametrize("name", ["Marketing", "marketin", "marketting", "markesing", "markeitng", "transactiona1l"])
def test_a_category_that_is_nearly_another_one_is_misspelt(name: str) -> None:
    others = ("marketing", "transactional", "news")
    assert [is_misspelling(name, other) for other in others].count(True) == (0 if "1" in name else 1)


@pytest.mark.parametrize("name", ["marketing-eu", "marketing2", "new", "rewards", "billing"])
def test_a_category_may_be_new(name: str) -> None:
    text = f"rules: [{{type: t, category: {name}, channels: [webhook]}}, {{type: t2, category: news, channels: [webhook]}}]"
    limit = f"\nrate_limits: [{{max_count: 1, window_seconds: 9, category: {name}}}]"
    assert find_problems(SEED, parse_document((text + limit).encode())) == []


def test_what_is_in_force_is_not_misspelt_later() -> None:
    policy = Policy({"a": Rule("a", "markting", None, ("webhook",)), **SEED.rules}, (), (RateLimit("", 1, 60, "gone"),))
    document = (
        "rules: [{type: b, category: markting, channels: [webhook]}]\nrate_limits: [{max_count: 2, window_seconds: 60, category: gone}]"
    )
    assert find_problems(policy, parse_document(document.encode())) == []


def test_rules_and_limits_of_the_document_win() -> None:
    merged = merge_document(
        Policy({"t": Rule("t", "c", "low", ("sms",), version=7)}, (), (RateLimit("sms", 1, 60),)),
        parse_document(b"rules: [{type: t, category: c, priority: high, channels: [sms]}]"),
    )
    assert (merged.rules["t"].priority, merged.rules["t"].version, merged.rate_limits) == ("high", 8, (RateLimit("sms", 1, 60),))


def test_the_example_of_the_readme_is_valid() -> None:
    readme = (Path(__file__).parents[4] / "README.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    document = parse_document(example.encode())
    assert find_problems(SEED, document) == []
    assert list_changes(SEED, merge_document(SEED, document))
