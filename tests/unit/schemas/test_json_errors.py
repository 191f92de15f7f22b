import msgspec
import pytest

from schemas.errors import DECODE_ERRORS
from schemas.json_errors import describe_decode_error
from schemas.notification import Submission

decode_submission = msgspec.json.Decoder(Submission).decode


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        (b'"user_id": 7', "must be a string, not an integer - at $.user_id"),
        (b'"user_id": ""', "must be a string of at least 1 character - at $.user_id"),
        (b'"user_id": "u"', "is missing - at $.type"),
        (b'"user_id": "u", "type": "t", "priorty": "low"', "is not a known field - at $.priorty"),
        (b'"channels": ["fax"]', "'fax' is not one of email, sms, push, webhook - at $.channels[0]"),
        (b'"to": {"fax": "1"}', "'fax' is not one of email, sms, push, webhook - at $.to"),
        (b'"to": {"email": 7}', "must be a string or an array, not an integer - at $.to[...]"),
        (b'"to": {"email": []}', "must be an array of at least 1 item - at $.to[...]"),
        (b'"priority": "urgent"', "'urgent' is not one of high, medium, low - at $.priority"),
        (b'"schema_version": 0', "must be an integer of at least 1 - at $.schema_version"),
        (b'"mandatory": 1', "must be true or false, not an integer - at $.mandatory"),
        (b'"expires_at": "soon"', "must be epoch seconds, or RFC 3339 text such as 2026-01-31T09:00:00Z - at $.expires_at"),
        (b'"expires_at": 1e400', "the number is too large - at $.expires_at"),
        (b'"data": {"a": NaN}', "is not JSON: invalid character, at byte 15"),
        (b'"data": {"a": "\\ud83d"}', "has half a surrogate pair (\\ud800 to \\udfff): a character was cut in two - at $.data.a"),
        (b'"data": {"\\ude00": 1}', "has half a surrogate pair (\\ud800 to \\udfff): a character was cut in two - at $.data"),
        (b'"data": {"a b": ["\\ude00"]}', "has half a surrogate pair (\\ud800 to \\udfff): a character was cut in two - at $.data[...][0]"),
        (b'"user_id": "\xff"', "the text is not UTF-8"),
        (b'"data": {"a": ' + b"[" * 100_000, "the JSON is nested too deeply"),
        (b'"user_id": "u', "is not JSON: it ends too early"),
    ],
)
def test_a_problem_is_in_words_of_json_and_has_the_path(members: bytes, problem: str) -> None:
    body = b"{" + members + (b"" if problem.endswith("early") else b"}")
    with pytest.raises(DECODE_ERRORS) as caught:
        decode_submission(body)
    assert str(describe_decode_error(caught.value, body)) == problem


def test_a_long_name_is_cut_in_its_middle_and_its_path_is_kept() -> None:
    data = b'[{"user_id":"u","type":"t","' + b"a" * 4_000_000 + b'":1}]'
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(data, type=list[Submission])
    problem = describe_decode_error(caught.value, data)
    assert problem.text == "is not a known field"
    assert problem.path.startswith("$[0].aaa")
    assert len(problem.path) < 11_000
