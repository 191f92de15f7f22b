"""Decodes request bodies, and reads who makes a change from the headers."""

from collections.abc import Iterable
from typing import Annotated, TypeVar

import msgspec
from litestar.params import HeaderParameter
from msgspec import Struct

from app.api.dependencies import ApiRequest
from app.api.problems import ProblemError, build_field_error, build_validation_problem, to_field_error
from schemas.errors import DECODE_ERRORS
from schemas.user_validation import FieldProblem, find_nul
from schemas.users import ChangeOrigin, ConsentSource

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

MAX_ACTOR_CHARACTERS = 128

ActorHeader = Annotated[
    str | None,
    HeaderParameter(name="Herold-Actor", description="who makes the change; default: api", max_length=MAX_ACTOR_CHARACTERS),
]
SourceHeader = Annotated[ConsentSource, HeaderParameter(name="Herold-Source", description="from where the change comes, for the history")]


async def decode_body(request: ApiRequest, struct: type[T]) -> T:
    """The body as a struct. Raises ProblemError with the path of the invalid field."""
    return decode_json(await request.body(), struct)


async def decode_stored_body(request: ApiRequest, struct: type[S]) -> S:
    """The body as a struct that is stored. Raises ProblemError as `decode_body` does, also for the character NUL."""
    return check_stored(await decode_body(request, struct))


def check_stored(value: S) -> S:
    """A value that can be stored. Raises ProblemError with the path of each text that has the character NUL."""
    raise_for_problems(find_nul(msgspec.to_builtins(value)))
    return value


def decode_json(body: bytes, type_: type[T]) -> T:
    """The value of a body. Raises ProblemError with the path of the invalid field."""
    try:
        return msgspec.json.decode(body, type=type_)
    except DECODE_ERRORS as error:
        raise ProblemError(build_validation_problem([to_field_error(error, body)])) from None


def raise_for_problems(problems: Iterable[FieldProblem]) -> None:
    """Raise ProblemError if there is any problem."""
    if errors := [build_field_error(problem.path, problem.text, problem.reason) for problem in problems]:
        raise ProblemError(build_validation_problem(errors))


def build_origin(actor: str | None, source: ConsentSource, reason: str = "") -> ChangeOrigin:
    """Who makes a change; the header's bytes are UTF-8, as far as they are."""
    text = (actor or "api").encode("latin-1").decode(errors="replace").replace("\0", "")
    return ChangeOrigin(source, text, reason)
