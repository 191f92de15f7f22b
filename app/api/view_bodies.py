"""The bodies of requests about saved views, and of the responses that list them."""

from typing import Final

from msgspec import Struct

from schemas.saved_views import SavedView, ViewRequest

EXAMPLE_VIEW: Final = {"page": "notifications", "name": "Failed pushes", "search": "channel=push&state=dead", "shared": True}


class ViewPage(Struct, frozen=True):
    """Saved views in the order in which they were made; `next_cursor` is null on the last page."""

    items: list[SavedView]
    next_cursor: str | None


VIEW_BODIES: tuple[type[Struct], ...] = (ViewRequest, SavedView)
EXAMPLE_VIEW_PAGE: Final = ViewPage(
    [
        SavedView(
            "svw_01a2211d759678619811269291aeed15",
            "notifications",
            "Failed pushes",
            "channel=push&state=dead",
            True,
            False,
            1_795_851_813.0,
        )
    ],
    None,
)
