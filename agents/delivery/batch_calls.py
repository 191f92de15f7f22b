"""Calls for several deliveries of medium and low: what can start now and says the same goes in one call. Nothing waits for company."""

from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import NamedTuple

from agents.delivery.account_breakers import AccountBreakers
from agents.delivery.account_set import AccountSet
from agents.delivery.concurrency import ConcurrencyLimiter
from agents.delivery.in_flight import InFlight
from agents.delivery.observer import Observer
from schemas.http import HttpResult
from schemas.outcome import AttemptResult, BatchProvider, BatchResult, NumberedDelivery
from schemas.ports import Clock


class Steps(NamedTuple):
    """What the deliverer does: call for one delivery, decide what follows a result, end a call, start further ones, end with an error."""

    send_alone: Callable[[InFlight, float], None]
    decide: Callable[[InFlight, AttemptResult, float], None]
    end_call: Callable[[InFlight], None]
    go_on: Callable[[], None]
    fail: Callable[[BaseException], None]


class CallGroup:
    """Deliveries of one call: the first one has the place among the calls in flight. No address is in it twice."""

    __slots__ = ("_addresses", "members")

    def __init__(self, first: InFlight) -> None:
        self.members = [first]
        self._addresses = {first.delivery.address.lower()}

    def add(self, in_flight: InFlight, batch: BatchProvider, max_size: int) -> bool:
        """Take a delivery that fits; whether it does."""
        address = in_flight.delivery.address.lower()
        if len(self.members) >= max_size or address in self._addresses:
            return False
        if not batch.has_same_content(self.members[0].delivery, in_flight.delivery):
            return False
        self._addresses.add(address)
        self.members.append(in_flight)
        return True


class BatchCalls:
    """Gathers what the deliverer is about to call for, until `send`.

    A call is one call for breaker, retry budget and concurrency, whatever it is for; each of its deliveries has its own result. If it was
    rejected because of one of them, the others are enqueued again: they have not been sent, and have no attempt more. Each half has a mark
    of its own, so that at most twice as many calls are made as deliveries, and two for each halving if one is bad.
    """

    def __init__(
        self,
        limiter: ConcurrencyLimiter,
        breakers: AccountBreakers,
        accounts: AccountSet | None,
        clock: Clock,
        observer: Observer,
        steps: Steps,
    ) -> None:
        self._limiter, self._breakers, self._accounts, self._clock, self._observer = limiter, breakers, accounts, clock, observer
        self._steps, self._max_size, self._failed_accounts = steps, limiter.max_per_call, breakers.all
        self._open: dict[Hashable, InFlight | CallGroup] = {}  # one that is alone needs no group
        self._ready: list[InFlight | CallGroup] = []

    def add(self, in_flight: InFlight, now: float) -> bool:
        """Let a delivery go with others; whether it may: no probe does, nor does what may be sent only once."""
        batch, delivery = in_flight.provider.batch, in_flight.delivery
        if batch is None or self._max_size == 1 or in_flight.batch.priority == "high" or delivery.at_most_once or delivery.is_test:
            return False
        if in_flight.account in self._failed_accounts and self._breakers.is_unsure(in_flight.account, now):
            return False
        key = batch.get_batch_key(in_flight.delivery)
        if key is None:
            return bool(self._open) and self._limiter.put_back_surplus(in_flight)
        key = in_flight.provider.name, in_flight.call_mark, key
        opened = self._open.get(key)
        if opened is not None and self._join(key, opened, in_flight, batch):
            return True
        if self._open and self._limiter.put_back_surplus(in_flight):
            return True
        if opened is not None:
            self._ready.append(opened)
        self._open[key] = in_flight
        self._limiter.use_rate(in_flight.account)
        self._limiter.gather(in_flight.account)
        return True

    def _join(self, key: Hashable, opened: InFlight | CallGroup, in_flight: InFlight, batch: BatchProvider) -> bool:
        group = opened if type(opened) is CallGroup else CallGroup(opened)  # type: ignore[arg-type]
        if not group.add(in_flight, batch, self._max_size):
            return False
        self._open[key] = group
        self._limiter.join(in_flight)
        return True

    def send(self) -> bool:
        """Make the calls for what was gathered; whether there was anything."""
        if not self._open:
            return False
        gathered, self._open, self._ready = [*self._ready, *self._open.values()], {}, []
        self._limiter.end_gathering()
        now = self._clock()
        for one in gathered:
            if type(one) is CallGroup:
                self._send(one.members, now)
            else:
                self._steps.send_alone(one, now)  # type: ignore[arg-type]
        return True

    def _send(self, members: Sequence[InFlight], now: float) -> None:
        provider = members[0].provider
        request = provider.build_batch_request([NumberedDelivery(each.delivery, each.attempt) for each in members], now)
        if isinstance(request, AttemptResult):
            self._end_call(members)
            for each in members:
                self._enqueue(each, object())
            return
        for each in members:
            each.counted_attempts += 1
            each.is_calling, each.called_at = True, now
        provider.send(request, partial(self._on_result, members))

    def _on_result(self, members: Sequence[InFlight], result: HttpResult) -> None:
        try:
            first, now = members[0], self._clock()
            for each in members:
                each.is_calling = False
            batch_result = first.provider.parse_batch_result(result, len(members), now)
            self._breakers.on_result(first, batch_result.result, now, members[1:])
            self._end_call(members)
            if self._accounts is not None:
                self._accounts.on_result(first.provider, batch_result.result, now)
            self._observer.on_batch_call(len(members), is_rejected=batch_result.is_split or bool(batch_result.rejected))
            self._decide(members, batch_result, now)
            for each in members:
                if each.batch.calls is not None:
                    self._steps.end_call(each)
            self._steps.go_on()
        except Exception as error:
            self._steps.fail(error)

    def _decide(self, members: Sequence[InFlight], batch_result: BatchResult, now: float) -> None:
        if batch_result.is_split:
            middle = len(members) // 2
            for half in (members[:middle], members[middle:]):
                self._enqueue_again(half)
            return
        rejected = batch_result.rejected
        for number, each in enumerate(members):
            if not rejected or number in rejected:
                self._steps.decide(each, rejected.get(number, batch_result.result), now)
        if rejected:
            self._enqueue_again([each for number, each in enumerate(members) if number not in rejected])

    def _enqueue_again(self, members: Sequence[InFlight]) -> None:
        """Let deliveries that were not sent go in a call without others."""
        mark = object()
        for each in members:
            each.counted_attempts -= 1
            self._enqueue(each, mark)

    def _enqueue(self, in_flight: InFlight, mark: object) -> None:
        in_flight.call_mark = mark
        if not in_flight.is_revoked:
            self._limiter.enqueue(in_flight)

    def _end_call(self, members: Sequence[InFlight]) -> None:
        self._limiter.leave_calls(len(members) - 1)
        self._limiter.release(members[0])
