"""Which rows match."""

from typing import Any

import pytest

from app.api.live.filters import LiveFilter, RowFilter
from tests.unit.app.api.live.live_builders import build_row

ROW = build_row(1, type="order.shipped", category="transactional", priority="high")


@pytest.mark.parametrize(
    ("fields", "matches"),
    [
        ({}, True),
        ({"kinds": ("status", "decided")}, True),
        ({"kinds": ("decided",)}, False),
        ({"channels": ("sms",)}, False),
        ({"channels": ("sms", "email")}, True),
        ({"priorities": ("low",)}, False),
        ({"statuses": ("sent",)}, True),
        ({"statuses": ("FAILED",)}, False),
        ({"categories": ("marketing",)}, False),
        ({"types": ("order.*",)}, True),
        ({"types": ("order",)}, False),
        ({"types": ("order.shipped", "account.*")}, True),
        ({"types": ("account.otp",)}, False),
        ({"user_id": "user-1"}, True),
        ({"user_id": "user-11"}, False),
        ({"notification_id": "ntf_1"}, True),
        ({"notification_id": "ntf_2"}, False),
        ({"channels": ("email",), "statuses": ("SENT",), "user_id": "user-2"}, False),
    ],
)
def test_a_row_has_a_choice_of_each_field(fields: dict[str, Any], matches: bool) -> None:
    assert RowFilter(LiveFilter(**fields)).matches(ROW) is matches


def test_a_project_sees_its_own_users_only() -> None:
    own, other, plain = build_row(1, user_id="@shop/u"), build_row(2, user_id="@shop2/u"), build_row(3, user_id="u")
    unknown = build_row(4, user_id="")
    rows = own, other, plain, unknown
    assert [RowFilter(LiveFilter(), "shop").matches(row) for row in rows] == [True, False, False, False]
    assert [RowFilter(LiveFilter(), "").matches(row) for row in rows] == [False, False, True, False]
    assert [RowFilter(LiveFilter()).matches(row) for row in rows] == [True, True, True, True]
    assert RowFilter(LiveFilter(user_id="u"), "shop").matches(own)


def test_a_project_names_types_as_it_knows_them_and_reads_its_ids_so() -> None:
    own, other = build_row(1, user_id="@shop/u", type="@shop/order.new"), build_row(2, user_id="@shop/u", type="@shop/invoice")
    for types in (("order.new",), ("order.*",)):
        row_filter = RowFilter(LiveFilter(types=types), "shop")
        assert [row_filter.matches(row) for row in (own, other)] == [True, False]
    shown = RowFilter(LiveFilter(), "shop").present(own)
    assert (shown.user_id, shown.type, shown.delivery_id) == ("u", "order.new", own.delivery_id)
    assert RowFilter(LiveFilter(), "").present(own) is own


def test_equal_filters_are_one_group() -> None:
    one, same, other = RowFilter(LiveFilter(user_id="u")), RowFilter(LiveFilter(user_id="u")), RowFilter(LiveFilter(user_id="u"), "p")
    assert len({one, same, other}) == 2
