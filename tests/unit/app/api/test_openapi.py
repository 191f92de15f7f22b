"""The OpenAPI document's example is accepted by a new installation."""

import msgspec

from app.api.openapi import EXAMPLE_SUBMISSION
from app.api.services.policy_validation import PolicyValidator
from schemas.notification import Notification
from tables.postgres.seed import load_seed_policy


def test_the_example_can_be_sent_to_a_new_installation() -> None:
    notification = msgspec.convert(EXAMPLE_SUBMISSION, Notification, strict=True)
    assert PolicyValidator(load_seed_policy()).find_field_error(notification) is None
