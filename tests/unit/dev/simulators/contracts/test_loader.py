"""Types that are built from contracts check what JSON Schema says."""

from typing import Any

import msgspec
import pytest

from dev.simulators.contracts.loader import build_request_type, load_contract

DEFINITIONS: dict[str, Any] = {
    "Order": {
        "type": "object",
        "properties": {
            "from": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
            "orderNumber": {"type": "integer", "minimum": 1, "maximum": 9},
            "state": {"enum": ["open", "closed"]},
            "items": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"$ref": "#/$defs/Item"}},
            "labels": {"type": "object", "maxProperties": 2, "additionalProperties": {"type": "string"}},
            "anything": {"type": "object", "additionalProperties": True},
            "gift": {"type": "boolean"},
        },
        "required": ["from"],
        "additionalProperties": False,
    },
    "Item": {"type": "object", "properties": {"weight": {"type": "number"}}, "required": ["weight"]},
}


def decode(body: Any, naming: str = "plain") -> Any:
    """Decode a body with the type of the contract."""
    request_type = build_request_type({"$defs": DEFINITIONS, "naming": naming, "type": "Order"})
    return msgspec.json.decode(msgspec.json.encode(body), type=request_type)


def test_a_valid_body_has_defaults_for_what_it_leaves_out() -> None:
    order = decode({"from": "ada"})
    assert (order.from_, order.orderNumber, order.state, order.gift) == ("ada", None, None, None)
    assert (len(order.items), dict(order.labels), dict(order.anything)) == (0, {}, {})


def test_a_valid_body_has_its_values() -> None:
    order = decode({"from": "ada", "items": [{"weight": 1.5, "other": 1}], "labels": {"a": "b"}, "anything": {"a": [1]}, "gift": True})
    assert (order.items[0].weight, order.labels, order.anything, order.gift) == (1.5, {"a": "b"}, {"a": [1]}, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"from": "Ada"},
        {"from": "ada\n"},
        {"from": "adaada"},
        {"from": None},
        {"orderNumber": 0},
        {"orderNumber": 10},
        {"orderNumber": 1.5},
        {"orderNumber": "1"},
        {"state": "lost"},
        {"state": 0},
        {"items": []},
        {"items": [{"weight": 1}] * 3},
        {"items": [{}]},
        {"items": [{"weight": "1"}]},
        {"labels": {"a": 1}},
        {"labels": {"a": "", "b": "", "c": ""}},
        {"labels": []},
        {"anything": "x"},
        {"gift": "true"},
        {"order_number": 1},
        {"other": 1},
    ],
)
def test_what_the_schema_does_not_allow(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode({"from": "ada", **changes})


def test_a_required_field_that_is_missing_is_named() -> None:
    with pytest.raises(msgspec.ValidationError, match="missing required field `from`"):
        decode({})


def test_the_json_of_protocol_buffers_is_more_lenient() -> None:
    assert decode({"orderNumber": "7"}, "proto3").orderNumber == "7"
    assert decode({"order_number": 7}, "proto3").order_number == 7
    assert decode({"state": 1, "from": None, "items": None}, "proto3").state == 1


@pytest.mark.parametrize("changes", [{"orderNumber": "x"}, {"orderNumber": "1.5"}, {"state": "lost"}, {"other": 1}, {"from": 5}])
def test_but_not_of_everything(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(changes, "proto3")


@pytest.mark.parametrize("name", ["sendgrid_send", "fcm_send"])
def test_every_reference_of_a_contract_is_defined(name: str) -> None:
    contract = load_contract(name)
    references = set(find_references(contract["$defs"])) | {contract["type"]}
    assert references == set(contract["$defs"])


def find_references(value: Any) -> list[str]:
    """The names in all `$ref` of a value."""
    if isinstance(value, dict):
        own = [value["$ref"].rpartition("/")[2]] if "$ref" in value else []
        return own + [name for item in value.values() for name in find_references(item)]
    return [name for item in value for name in find_references(item)] if isinstance(value, list) else []
