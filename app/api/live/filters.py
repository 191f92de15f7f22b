"""Which rows a client of the live view gets."""

from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import replace

from app.api.live.rows import LiveRow, RowKind
from schemas.channels import ChannelName
from schemas.enums import Priority
from schemas.projects import is_reserved, qualify, strip_project

MAX_CHOICES = 20
Text = Annotated[str, Meta(max_length=256)]
Choices = Annotated[tuple[Text, ...], Meta(max_length=MAX_CHOICES)]


class LiveFilter(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A row must have one of the choices of each field that has any; a type may end in `*`.

    `user_id` and `notification_id` are single. `statuses` are those of deliveries and the states of notifications, in any case.
    """

    kinds: tuple[RowKind, ...] = ()
    channels: tuple[ChannelName, ...] = ()
    priorities: tuple[Priority, ...] = ()
    statuses: Choices = ()
    categories: Choices = ()
    types: Choices = ()
    user_id: Text = ""
    notification_id: Text = ""


class RowFilter:
    """A filter that is ready for use; equal filters are equal, so that clients with the same one share their frames.

    `project` is the one whose rows may be seen, empty for the default one; None: all rows may. A row of an unknown user may be any
    project's, so it is seen with None only.
    """

    def __init__(self, live_filter: LiveFilter, project: str | None = None) -> None:
        self.key = (live_filter, project)
        self._filter, self._project, self._id_prefix = live_filter, project, qualify(project or "", "")
        self._statuses = frozenset(status.casefold() for status in live_filter.statuses)
        self._types = frozenset(self._id_prefix + name for name in live_filter.types if not name.endswith("*"))
        self._type_prefixes = tuple(self._id_prefix + name[:-1] for name in live_filter.types if name.endswith("*"))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RowFilter) and self.key == other.key

    def matches(self, row: LiveRow) -> bool:
        """Whether a client with this filter gets the row."""
        chosen = self._filter
        return (
            self._may_be_seen(row.user_id)
            and (not chosen.kinds or row.kind in chosen.kinds)
            and (not chosen.channels or row.channel in chosen.channels)
            and (not chosen.priorities or row.priority in chosen.priorities)
            and (not chosen.categories or row.category in chosen.categories)
            and (not self._statuses or row.status.casefold() in self._statuses)
            and (not chosen.types or row.type in self._types or row.type.startswith(self._type_prefixes or ("\0",)))
            and (not chosen.user_id or row.user_id == self._id_prefix + chosen.user_id)
            and (not chosen.notification_id or row.notification_id == chosen.notification_id)
        )

    def present(self, row: LiveRow) -> LiveRow:
        """The row as the client's project knows its ids."""
        project = self._project
        return replace(row, user_id=strip_project(project, row.user_id), type=strip_project(project, row.type)) if project else row

    def _may_be_seen(self, user_id: str) -> bool:
        if self._project is None:
            return True
        return user_id.startswith(self._id_prefix) and (bool(self._project) or (bool(user_id) and not is_reserved(user_id)))
