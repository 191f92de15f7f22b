"""The verification of a chain that is in memory; tests/integration/audit tampers with real ones."""

from app.admin.log_verification import KnownHead, LogVerifier
from schemas.checkpoints import CheckpointKeys
from schemas.log_chain import EMPTY_CHAIN, LogEntry, extend_chain
from tables.postgres.log_chain import LinkedEntry

KEYS = CheckpointKeys([b"k" * 32])
ENTRIES = [LogEntry(f"{number:032x}", ("audit", str(number)), ("u",), b"s" * 16) for number in range(5)]
LINKS = extend_chain(EMPTY_CHAIN, ENTRIES)
CHAIN = [LinkedEntry(link, entry, None) for link, entry in zip(LINKS, ENTRIES, strict=True)]
SIGNED = KEYS.sign("audit", 5, LINKS[-1].hash, 1)


def test_pages_are_one_chain() -> None:
    verifier = LogVerifier("audit", KEYS)
    assert [verifier.find_problem(CHAIN[:2]), verifier.find_problem(CHAIN[2:])] == ["", ""]
    assert verifier.build_result("", 0).hash == LINKS[-1].hash.hex()


def test_a_checkpoint_covers_what_is_before_it() -> None:
    verifier = LogVerifier("audit", KEYS)
    assert verifier.find_problem([*CHAIN[:4], CHAIN[4]._replace(checkpoint=SIGNED)]) == ""
    assert verifier.build_result("", 0).signed == 5
    assert verifier.find_truncation(SIGNED) == ""


def test_without_keys_the_hash_of_a_checkpoint_counts_and_its_signature_does_not() -> None:
    verifier, forged = LogVerifier("audit", None), SIGNED._replace(signature=bytes(64))
    assert verifier.find_problem([*CHAIN[:4], CHAIN[4]._replace(checkpoint=forged)]) == ""
    wrong = CHAIN[0]._replace(checkpoint=SIGNED)
    assert "has another hash" in LogVerifier("audit", None).find_problem([wrong])


def test_a_head_that_was_noted_must_be_there() -> None:
    assert LogVerifier("audit", KEYS, KnownHead(3, LINKS[2].hash)).find_problem(CHAIN) == ""
    assert "noted elsewhere" in LogVerifier("audit", KEYS, KnownHead(3, bytes(32))).find_problem(CHAIN)
    verifier = LogVerifier("audit", KEYS, KnownHead(6, bytes(32)))
    verifier.find_problem(CHAIN)
    assert verifier.find_truncation(None) == "the audit log was cut after entry 5: a head that was noted elsewhere shows that it had 6"
