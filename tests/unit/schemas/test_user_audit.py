"""What the audit log shows of a user."""

from schemas.profile import QuietHours
from schemas.user_audit import describe_fields
from schemas.users import User

ADDRESSES = {"email": ["ada@example.org"], "sms": ["+436641234567"]}
USER = User("u", ADDRESSES, "de", "", "gold", {"ssn": "1234", "n": 5}, QuietHours("22:00", "07:00"), 1, 0, 0)


def test_addresses_and_attributes_are_hidden_and_the_rest_is_shown() -> None:
    assert describe_fields(USER, ["addresses", "tier", "attributes", "quiet_hours"]) == {
        "addresses": {"email": ["a***@example.org"], "sms": ["+43***67"]},
        "tier": "gold",
        "attributes": {"ssn": "<4 characters>", "n": "<number>"},
        "quiet_hours": {"start": "22:00", "end": "07:00"},
    }


def test_only_the_fields_that_are_asked_for_are_there() -> None:
    assert describe_fields(USER, ["locale"]) == {"locale": "de"}
