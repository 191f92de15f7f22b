"""The loops of a compiled expression, and whether they may run over given values; pure.

CEL's own budget counts steps, but a step that builds a list or reads one outside the loop takes longer the longer that list is. So loops in
loops are not allowed, and the others get a budget of values to look at. The syntax tree is a CheckedExpr
(https://github.com/google/cel-spec/tree/master/proto/cel/expr) in the wire format of Protocol Buffers
(https://protobuf.dev/programming-guides/encoding/).
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

MAX_LOOKED_AT = 250_000  # values of all loops of an expression, about 0.05 s
CHARACTERS_PER_VALUE = 64  # that are searched in the time in which a value is compared

_COLLECTIONS = frozenset({b"data", b"user.attributes", b"addresses"})

# the numbers of the fields of CheckedExpr and Expr, and of the parts of an Expr that are Exprs themselves
_ANY_VALUE, _CHECKED_EXPR, _NAME, _FUNCTION = 2, 4, 1, 2
_IDENTIFIER, _CALL, _STRUCT, _LOOP = 4, 6, 8, 9
_CHILDREN = {5: {1}, _CALL: {1, 3}, 7: {1}, _LOOP: {2, 4, 5, 6, 7}}
_STRUCT_ENTRIES, _ENTRY_CHILDREN = 2, {3, 4}
_LOOP_BODY = {5, 6}
_CONSTANT, _TEXT, _ARGUMENT, _MATCHES = 3, 6, 3, b"matches"
_VARINT, _FIXED64, _BYTES = 0, 1, 2


class Loops(NamedTuple):
    """How many loops an expression has, whether one is in another, and whether a step may look at whole lists.

    `patterns`: the regular expressions that it searches for, None for one that is not a text of the expression itself.
    """

    loops: int
    are_nested: bool
    look_at_lists: bool
    patterns: tuple[str | None, ...]


class _Node(NamedTuple):
    kind: int
    message: bytes
    depth: int  # of loops


def find_loops(serialized: bytes) -> Loops:
    """The loops of an expression as the compiler serializes it."""
    checked = _get_message(serialized, _ANY_VALUE)
    nodes = list(_list_nodes(_get_message(checked, _CHECKED_EXPR), 0))
    loops = [node for node in nodes if node.kind == _LOOP]
    patterns = tuple(
        _find_pattern(node.message) for node in nodes if node.kind == _CALL and _get_message(node.message, _FUNCTION) == _MATCHES
    )
    return Loops(len(loops), any(loop.depth for loop in loops), any(node.depth and _looks_at_lists(node) for node in nodes), patterns)


def exceeds_budget(values: Iterable[object], loops: int, steps: int = 0) -> bool:
    """Whether so many loops over these values would look at too many of them; with patterns of so many steps, that many times."""
    longest, size = 0, 0
    pending = list(values)
    while pending:
        value = pending.pop()
        size += 1
        if isinstance(value, str):
            size += len(value) // CHARACTERS_PER_VALUE
        elif isinstance(value, list):
            longest = max(longest, len(value))
            pending += value
        elif isinstance(value, dict):
            longest = max(longest, len(value))
            pending += value.values()
    return size * (longest * loops if loops else 1) * max(1, steps) > MAX_LOOKED_AT


def _find_pattern(call: bytes) -> str | None:
    """The last argument of a call, if it is a text."""
    arguments = [message for number, message in _list_messages(call) if number == _ARGUMENT]
    texts = dict(_list_messages(_get_message(arguments[-1], _CONSTANT)))
    return texts[_TEXT].decode() if _TEXT in texts else None


def _looks_at_lists(node: _Node) -> bool:
    """Whether a node reads a collection, or adds two values: `map` and `filter` add to a list."""
    if node.kind == _IDENTIFIER:
        return _get_message(node.message, _NAME) in _COLLECTIONS
    return node.kind == _CALL and _get_message(node.message, _FUNCTION) == b"_+_"


def _list_nodes(expression: bytes, depth: int) -> Iterator[_Node]:
    for kind, message in _list_messages(expression):
        yield _Node(kind, message, depth)
        for number, part in _list_messages(message):
            if number in _CHILDREN.get(kind, ()):
                yield from _list_nodes(part, depth + (kind == _LOOP and number in _LOOP_BODY))
            elif kind == _STRUCT and number == _STRUCT_ENTRIES:
                for entry_number, child in _list_messages(part):
                    if entry_number in _ENTRY_CHILDREN:
                        yield from _list_nodes(child, depth)


def _get_message(message: bytes, number: int) -> bytes:
    return dict(_list_messages(message)).get(number, b"")


def _list_messages(message: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields with a length: numbers and bytes. Numbers and constants are left out."""
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        if tag & 7 == _BYTES:
            length, position = _read_varint(message, position)
            yield tag >> 3, message[position : position + length]
            position += length
        elif tag & 7 == _VARINT:
            _, position = _read_varint(message, position)
        else:
            position += 8 if tag & 7 == _FIXED64 else 4


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    """A number in groups of seven bits, the lowest first, and the position after it."""
    number, shift = 0, 0
    while message[position] & 128:
        number |= (message[position] & 127) << shift
        position, shift = position + 1, shift + 7
    return number | message[position] << shift, position + 1
