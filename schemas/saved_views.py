"""Saved views: named filters of a page of the dashboard, of one account, or shared by all of its project."""

from typing import Annotated

from msgspec import Meta, Struct

VIEW_PREFIX = "svw_"
MAX_VIEWS = 200  # of an account

PageName = Annotated[str, Meta(pattern="^[a-z][a-z-]{0,63}$(?!\\n)", description="the path of the page in the dashboard")]
ViewName = Annotated[str, Meta(min_length=1, max_length=128)]
ViewSearch = Annotated[str, Meta(max_length=4096, description="the query of the page's URL, without the question mark")]


class ViewRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A new view. A shared one is seen by all who may see the page, and has a name that no other shared one has."""

    page: PageName
    name: ViewName
    search: ViewSearch
    shared: bool = False


class SavedView(Struct, frozen=True):
    """A view; `own` says whether the account that asks has made it. Times in epoch seconds."""

    id: str
    page: str
    name: str
    search: str
    shared: bool
    own: bool
    created_at: float
