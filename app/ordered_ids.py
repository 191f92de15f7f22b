"""New ids of rows that are listed in the order of time, such as entries of the audit log and events of consent."""

from collections.abc import Callable

from schemas.ids import make_id
from schemas.ports import Clock

_ID_BITS = 74
_STEP_BITS = 32  # random, so that the next id cannot be guessed


class OrderedIds:
    """Makes UUIDv7 in the order of the calls, also within a millisecond and after a clock that was set back (RFC 9562, section 6.2).

    Ids of several processes are in the order of their clocks.
    """

    def __init__(self, clock: Clock, generate_bits: Callable[[], int]) -> None:
        """`clock`: epoch seconds; `generate_bits`: 74 random bits."""
        self._clock, self._generate_bits = clock, generate_bits
        self._milliseconds, self._bits = 0, 0

    def __call__(self, prefix: str) -> str:
        """A new id with this prefix."""
        milliseconds, bits = int(self._clock() * 1000), self._generate_bits()
        if milliseconds <= self._milliseconds:
            milliseconds, bits = self._milliseconds, self._bits + 1 + bits % (1 << _STEP_BITS)
        if bits >> _ID_BITS:  # the millisecond has no room left
            milliseconds, bits = milliseconds + 1, 0
        self._milliseconds, self._bits = milliseconds, bits
        return make_id(prefix, (milliseconds + 0.5) / 1000, bits)
