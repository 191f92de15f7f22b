"""What the author of a rule should know although it can be used."""

import pytest

from app.admin.policy import parse_document
from app.admin.rule_problems import find_rule_notices


@pytest.mark.parametrize(
    ("channels", "unless", "words"),
    [
        ("sms, webhook, email", "read", "SMS and webhook"),
        ("push, sms, email", "read", "SMS"),
        ("email, sms", "read", ""),
        ("sms, email", "sent", ""),
    ],
)
def test_a_channel_that_cannot_report_what_a_rule_waits_for_is_named(channels: str, unless: str, words: str) -> None:
    rule = f"{{type: t, category: c, channels: [{channels}], strategy: escalate, escalate_after: 60, escalate_unless: {unless}}}"
    (entry,) = parse_document(f"rules: [{rule}]".encode()).rules
    notices = [(field, text.partition(" cannot report that")[0]) for field, text in find_rule_notices(entry)]
    assert notices == ([("escalate_unless", words)] if words else [])
