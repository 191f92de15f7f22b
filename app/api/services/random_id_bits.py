"""The random bits of ids, read from the system for many ids at once: one read per id costs a twentieth of a request."""

from collections.abc import Callable

ID_BITS = 74  # the random bits of a UUIDv7
_BYTES = 10  # of which the highest 6 bits are dropped
_IDS_PER_READ = 256


class RandomIdBits:
    """Returns 74 random bits at each call; `read_random` returns a number of random bytes, as os.urandom does."""

    def __init__(self, read_random: Callable[[int], bytes]) -> None:
        self._read_random = read_random
        self._numbers: list[int] = []

    def __call__(self) -> int:
        """74 random bits, each only once."""
        if not self._numbers:
            block = self._read_random(_BYTES * _IDS_PER_READ)
            mask = (1 << ID_BITS) - 1
            self._numbers = [int.from_bytes(block[start : start + _BYTES], "big") & mask for start in range(0, len(block), _BYTES)]
        return self._numbers.pop()
