"""Proofs of consent on a real database: they verify with Herold and with the script of the docs, and every change of one is found."""

import copy
import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.admin.consent_proofs import ConsentProofs
from schemas.checkpoints import CheckpointKeys
from schemas.consent_proof import encode_content, find_proof_problem
from schemas.enums import State, Status
from schemas.history import HistoryBatch
from schemas.users import AUDIT_ENTRY_PREFIX, PreferenceChange
from tables.postgres.audit_log import erase_from_logs, list_audit_entries
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.preferences import PreferenceStore
from tables.postgres.profiles import PostgresProfileReader
from tests.column_sealing import store_address
from tests.event_builders import build_decided_event, build_decided_row, build_status_event
from tests.integration.audit.logs import KEYS, ORIGIN, Logs

pytestmark = pytest.mark.usefixtures("sealing_mode")

SCRIPT = Path(__file__).parents[3] / "docs" / "consent_proof.py"
PSEUDONYM = "erased:4711"
Change = Callable[[Any], None]


def run_script(proof: Any, directory: Path, *arguments: str) -> tuple[int, str]:
    """The exit code and the output of the script of the docs, in a Python without Herold."""
    file = directory / "proof.json"
    file.write_text(json.dumps(proof))
    done = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(file), *arguments], capture_output=True, text=True, check=False, cwd=directory, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def sign(proof: Any, keys: CheckpointKeys = KEYS) -> None:
    """Sign a changed proof, as whoever has the key can."""
    proof["signature"] = b64encode(keys.sign_proof(encode_content(proof))).decode()


@pytest.fixture
async def logs(database_copy: Database) -> Logs:
    """Two users with consent, among others' entries, over several checkpoints."""
    logs = Logs(database_copy)
    await logs.add_users("u-a", "u-b")
    for number in range(4):
        await logs.opt_in("u-b", f"c-{number}")
        await logs.opt_in("u-a", f"c-{number}")
        await logs.opt_in("u-b", f"d-{number}")
        if number == 1:
            await logs.link()
    await logs.suppress("u-a@example.org")
    return logs


async def make(logs: Logs, user_id: str = "u-a") -> dict[str, Any]:
    return await ConsentProofs(logs.database, logs.keys, logs.make_id).make(user_id, "Zoë")


async def test_a_proof_is_valid_and_has_the_events_of_the_user(logs: Logs, tmp_path: Path) -> None:
    proof = await make(logs)
    assert find_proof_problem(proof, KEYS.public_key) == ""
    assert [entry["fields"]["category"] for entry in proof["entries"]] == ["c-0", "c-1", "c-2", "c-3", ""]
    assert [(segment["first_number"], segment["checkpoint"]["number"]) for segment in proof["segments"]] == [(2, 6), (8, 13)]
    assert "u-b" not in json.dumps(proof)
    code, output = run_script(proof, tmp_path, b64encode(KEYS.public_key).decode())
    assert (code, output.splitlines()[-1]) == (0, "VALID"), output
    assert "preference_set in for c-2, all channels, by api; allowed 0 deliveries" in output


async def test_a_proof_is_noted_in_the_audit_log(logs: Logs) -> None:
    await make(logs)
    entry = (await list_audit_entries(logs.database, "user", "u-a", 1))[0]
    assert (entry.action, entry.actor, entry.details) == ("prove_consent", "Zoë", {"events": 5, "deliveries": 0})


async def test_an_unknown_user_gets_a_proof_without_events(logs: Logs) -> None:
    proof = await make(logs, "nobody")
    assert (proof["entries"], proof["segments"], find_proof_problem(proof)) == ([], [], "")


CHANGES: dict[str, Change] = {
    "a choice": lambda proof: proof["entries"][0]["fields"].update(new_choice="out"),
    "a time": lambda proof: proof["entries"][0]["fields"].update(occurred_at="1"),
    "a user": lambda proof: proof["entries"][0]["personal"].update(user_id="u-b"),
    "a reason": lambda proof: proof["entries"][0]["personal"].update(reason="x"),
    "a salt": lambda proof: proof["entries"][0].update(salt="00"),
    "a number": lambda proof: proof["entries"][0].update(number=3),
    "who it is about": lambda proof: proof.update(user_id="u-b"),
    "a digest": lambda proof: proof["segments"][0]["digests"].__setitem__(1, "00" * 32),
    "a digest less": lambda proof: proof["segments"][0]["digests"].pop(),
    "the hash before": lambda proof: proof["segments"][0].update(hash_before="00" * 32),
    "a head": lambda proof: proof["segments"][0]["checkpoint"].update(hash="00" * 32),
    "a head's time": lambda proof: proof["segments"][0]["checkpoint"].update(created_at=1),
    "a head's signature": lambda proof: proof["segments"][0]["checkpoint"].update(signature=b64encode(bytes(64)).decode()),
    "a head's key": lambda proof: proof["segments"][0]["checkpoint"].update(key_id="0" * 16),
    "a head's log": lambda proof: proof["segments"][0]["checkpoint"].update(log="audit"),
    "a segment less": lambda proof: proof["segments"].pop(),
    "an entry as erased": lambda proof: proof["entries"][0].update(salt="", person="00" * 32),
    "a key's id": lambda proof: proof["public_keys"].update({"0" * 16: b64encode(bytes(32)).decode()}),
}


async def test_nothing_in_a_proof_can_be_changed_not_even_by_who_signs_it_again(logs: Logs, tmp_path: Path) -> None:
    proof = await make(logs)
    for name, change in CHANGES.items():
        changed = copy.deepcopy(proof)
        change(changed)
        assert find_proof_problem(changed), name
        sign(changed)
        assert find_proof_problem(changed), name
        assert run_script(changed, tmp_path)[0] == 1, name


@pytest.mark.parametrize("change", [lambda proof: proof["deliveries"].append({}), lambda proof: proof["entries"].pop()])
async def test_what_is_only_signed_as_a_whole_cannot_be_changed_either(logs: Logs, tmp_path: Path, change: Change) -> None:
    proof = await make(logs)
    change(proof)
    assert find_proof_problem(proof) == "its signature is wrong: something in it was changed"
    assert run_script(proof, tmp_path) == (1, "NOT VALID: the signature of the file is wrong\n")


async def test_a_proof_of_another_key_is_not_trusted(logs: Logs, tmp_path: Path) -> None:
    foreign = CheckpointKeys([b"f" * 32])
    proof = await make(logs)
    assert find_proof_problem(proof, foreign.public_key) == "it is signed with another key than the one that you trust"
    assert run_script(proof, tmp_path, b64encode(foreign.public_key).decode())[0] == 1


@pytest.mark.parametrize("content", [[], {}, None, {"format": "x"}, {"format": "herold-consent-proof/1"}, "x", 1])
def test_what_is_no_proof_is_not_valid(content: Any, tmp_path: Path) -> None:
    assert find_proof_problem(content)
    code, output = run_script(content, tmp_path)
    assert (code, output.startswith("NOT VALID")) == (1, True)


async def test_an_event_that_was_changed_in_the_database_cannot_be_proven(logs: Logs) -> None:
    await logs.link()
    await logs.tamper("update consent_events set new_choice = 'out' where user_id = 'u-a' and category = 'c-2'")
    assert "does not lead to the head" in find_proof_problem(await make(logs))


async def test_a_former_key_is_in_the_proof(logs: Logs) -> None:
    await logs.link()
    logs.keys = CheckpointKeys([b"new" * 8, b"k" * 32])
    await logs.opt_in("u-a", "late")
    proof = await make(logs)
    assert set(proof["public_keys"].values()) == {b64encode(key).decode() for key in (logs.keys.public_key, KEYS.public_key)}
    assert find_proof_problem(proof, logs.keys.public_key) == ""


async def test_an_erased_user_has_a_proof_without_personal_data(logs: Logs, tmp_path: Path) -> None:
    before = await make(logs)
    async with logs.database.acquire_connection() as connection, connection.transaction():
        await erase_from_logs(
            connection, logs.make_id(AUDIT_ENTRY_PREFIX), "dpo", "u-a", PSEUDONYM, [store_address("email", "u-a@example.org")]
        )
    after = await make(logs, PSEUDONYM)
    assert "u-a" not in json.dumps(after)
    assert find_proof_problem(after, KEYS.public_key) == ""
    assert [entry["fields"] for entry in after["entries"]] == [entry["fields"] for entry in before["entries"]]
    assert {entry["salt"] for entry in after["entries"]} == {""}
    assert "by api, erased" in run_script(after, tmp_path)[1]
    assert find_proof_problem(before, KEYS.public_key) == "", "who kept a proof from before can still show whose it is"


async def test_a_delivery_shows_the_event_that_allowed_it(logs: Logs, tmp_path: Path) -> None:
    """From the preference by the profile, the delivery and its events to the proof."""
    profile = (await PostgresProfileReader(logs.database).get_many(["u-a"]))["u-a"]
    allowed = profile.consent_events["c-1/"]
    decided = build_decided_event(1, "email", "sms", user_id="u-a", state=State.ROUTED)
    email, sms = (ref.id for ref in decided.deliveries)
    sent = build_status_event(1, delivery_id=email, user_id="u-a", consent_event_id=allowed)
    delivered = build_status_event(1, status=Status.DELIVERED, delivery_id=email, user_id="u-a", outcome=None)
    other = build_status_event(1, "sms", delivery_id=sms, user_id="u-a")
    writer = PostgresHistoryWriter(logs.database)
    await writer.write(HistoryBatch([build_decided_row(decided)], [sent, other]))
    await writer.write(HistoryBatch((), [delivered]))
    proof = await make(logs)
    found = {one["id"]: (one["consent_event_id"], one["status"]) for one in proof["deliveries"]}
    assert found == {email: (allowed, "DELIVERED"), sms: ("", "SENT")}
    assert allowed in {f"cev_{entry['fields']['id']}" for entry in proof["entries"]}
    assert "for c-1, all channels, by api; allowed 1 deliveries" in run_script(proof, tmp_path)[1]


async def test_the_profile_has_the_event_of_the_choice_in_force(logs: Logs) -> None:
    async def read() -> tuple[dict[str, str], dict[str, str]]:
        profile = (await PostgresProfileReader(logs.database).get_many(["u-b"]))["u-b"]
        return profile.choices, profile.consent_events

    _, events = await read()
    store = PreferenceStore(logs.database, logs.make_id)
    await store.change("u-b", [PreferenceChange("out", "c-0"), PreferenceChange("out", "c-1")], None, ORIGIN)
    await store.change("u-b", [PreferenceChange("in", "c-1")], None, ORIGIN)
    choices, changed = await read()
    assert (choices["c-0/"], "c-0/" in changed) == ("out", False)
    assert changed["c-1/"] not in ("", events["c-1/"])
    assert changed["c-2/"] == events["c-2/"]
