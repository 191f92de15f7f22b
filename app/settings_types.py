"""The types of settings: numbers with their bounds, sections, and how a value of the file or the environment becomes one."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from schemas.errors import SettingError
from schemas.json_errors import describe_decode_error

PositiveInt = Annotated[int, Meta(ge=1)]
NonNegativeInt = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(ge=0)]
Cost = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]
PositiveSeconds = Annotated[float, Meta(gt=0)]
Rate = Annotated[float, Meta(ge=0, le=100_000)]  # per second; a microsecond is the least interval in Redis
DrainSeconds = Annotated[float, Meta(ge=0, lt=60)]  # faust_config.REBALANCE_TIMEOUT
ConsentSeconds = Annotated[float, Meta(ge=0, le=2)]  # with schemas.consent.MAX_CONSENT_AGE less than the 5 s of an opt-out
LingerSeconds = Annotated[float, Meta(ge=0, le=1)]  # an HTTP client waits meanwhile
CallbackBytes = Annotated[int, Meta(ge=1, le=5_000_000)]  # anybody can send them before the signature is checked
NonEmptyStr = Annotated[str, Meta(min_length=1)]
T = TypeVar("T", bound=Struct)


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A section of faust.yml; each key is described there, once."""

    def __repr__(self) -> str:
        """The names of the keys only: a value may be a secret, and a representation ends in a traceback or a log line."""
        return f"{type(self).__name__}({', '.join(self.__struct_fields__)})"


def build_section(name: str, values: Mapping[str, Any], section_type: type[T]) -> T:
    """A section as its struct; text from the environment is read as the key's type. Raises SettingError, which names the key."""
    types = {field.name: field.type for field in msgspec.structs.fields(section_type)}
    if unmatched := set(values) ^ set(types):
        key = min(unmatched)
        raise SettingError(f"{name}.{key}", "is unknown" if key in values else "is missing from faust.yml")
    # one key at a time, so that an error names it
    return section_type(**{key: convert_value(f"{name}.{key}", value, types[key]) for key, value in values.items()})


def convert_value(key: str, value: Any, value_type: Any) -> Any:
    """A value as this type; text from the environment is read. Raises SettingError, which names the key and shows no text."""
    if isinstance(value_type, type) and issubclass(value_type, Section):
        if not isinstance(value, dict):
            raise SettingError(key, "must be a section with keys of its own")
        return build_section(key, value, value_type)
    try:
        return msgspec.convert(value, value_type, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        choices = f"must be one of {', '.join(get_args(value_type))}" if get_origin(value_type) is Literal else ""
        shown = "its value" if value_type in (str, NonEmptyStr) else repr(value)  # text may be a secret, as a password of digits only
        raise SettingError(key, f"{shown} does not fit: it {choices or describe_decode_error(error, b'').text}") from None
