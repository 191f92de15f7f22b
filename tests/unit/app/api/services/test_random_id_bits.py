"""Random bits of ids."""

from app.api.services.random_id_bits import ID_BITS, RandomIdBits


def test_each_call_has_other_bits_of_few_reads() -> None:
    reads: list[int] = []

    def read_random(size: int) -> bytes:
        reads.append(size)
        return b"".join(b"\xff" * 8 + (len(reads) * 1000 + n).to_bytes(2, "big") for n in range(size // 10))

    generate_bits = RandomIdBits(read_random)
    numbers = [generate_bits() for _ in range(1000)]
    assert len(set(numbers)) == 1000
    assert len(reads) < 10
    assert {number.bit_length() for number in numbers} == {ID_BITS}
