"""The partitions that a task of a worker may act on, beside its agents."""

from collections.abc import Collection

from app.streaming.application import StreamApp
from app.streaming.consumer.membership import ConsumerMembership
from app.workers.assigned_worker import is_ready


class AssignedPartitions:
    """The partitions that are assigned and recovered; none during a rebalance, a recovery or a stop."""

    def __init__(self, app: StreamApp) -> None:
        self._app = app

    def get_numbers(self) -> Collection[int]:
        """The numbers of the partitions. What is committed from now on is fenced by their assignment."""
        if not is_ready(self._app) or self._app.should_stop or not self._app.consumer.flow_active:
            return ()
        self._membership.adopt_assignment()
        return self._membership.get_assigned()

    def get_assignment_number(self) -> int:
        """The number of the assignment; another one means that all rows are to be read again."""
        return self._membership.get_assignment_number()

    @property
    def _membership(self) -> ConsumerMembership:
        membership: ConsumerMembership = self._app.consumer.membership
        return membership
