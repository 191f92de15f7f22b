"""Verifies a proof of consent without Herold: python consent_proof.py FILE [PUBLIC_KEY]

It needs Python 3.9 and the package `cryptography`. FILE is what `herold consent proof USER` made. PUBLIC_KEY is the key of the sender in
base64, from a source that you trust; without it you have to compare the key that is printed. The exit code is 0 if the proof is valid.

What is verified:
1. The signature (Ed25519) of the whole file, over a context and the JSON without `signature`, with sorted names and without spaces.
2. Each segment of the log leads from the hash before it, entry by entry, to a head that is signed:
   hash = SHA-256(hash before | number as 8 bytes | digest of the entry).
3. Each entry is the one that the segment has at its number:
   person = SHA-256(salt | personal columns), digest = SHA-256(other columns, person).
   Of an erased user the salt and the personal columns are gone, and `person` is still what was linked.

Texts are hashed as netstrings: length in bytes, colon, UTF-8, comma.
"""

import hashlib
import json
import sys
from base64 import b64decode
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FIELDS = (
    *("log", "id", "category", "channel", "change", "old_choice", "new_choice"),
    *("source", "actor", "principal", "request_id", "occurred_at"),
)
PERSONAL = ["user_id", "address", "reason", "client_address"]


class InvalidProof(Exception):
    """The proof does not show what it says."""


def sha256(data):
    return hashlib.sha256(data).digest()


def netstrings(texts):
    return b"".join(b"%d:%b," % (len(text.encode()), text.encode()) for text in texts)


def key_id(public_key):
    return hashlib.sha256(public_key).hexdigest()[:16]


def check_signature(public_key, signature, message, what):
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(b64decode(signature), message)
    except InvalidSignature:
        raise InvalidProof(f"the signature of {what} is wrong") from None


def check_whole(proof, keys, trusted_key):
    if trusted_key is not None and key_id(trusted_key) != proof["key_id"]:
        raise InvalidProof("it is signed with another key than the one that you trust")
    content = {name: value for name, value in proof.items() if name != "signature"}
    encoded = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    check_signature(keys[proof["key_id"]], proof["signature"], netstrings(["herold consent proof v1"]) + encoded, "the file")


def check_segment(segment, keys):
    """The digests of the entries by their numbers."""
    digests, number, chain = {}, segment["first_number"], bytes.fromhex(segment["hash_before"])
    for text in segment["digests"]:
        digests[number] = bytes.fromhex(text)
        chain = sha256(chain + number.to_bytes(8, "big") + digests[number])
        number += 1
    head = segment["checkpoint"]
    if head["log"] != "consent" or (head["number"], head["hash"]) != (number - 1, chain.hex()):
        raise InvalidProof(f"the segment from {segment['first_number']} on does not lead to its head")
    message = netstrings(["herold log checkpoint v1", head["log"], str(head["number"]), head["hash"], str(head["created_at"])])
    if head["key_id"] not in keys:
        raise InvalidProof(f"the key of the head {head['number']} is not in the file")
    check_signature(keys[head["key_id"]], head["signature"], message, f"the head {head['number']}")
    return digests


def check_entry(entry, user_id, digests):
    number, person = entry["number"], bytes.fromhex(entry["person"])
    personal = [entry["personal"][name] for name in PERSONAL]
    if entry["salt"] and sha256(bytes.fromhex(entry["salt"]) + netstrings(personal)) != person:
        raise InvalidProof(f"entry {number} has other personal columns than were linked")
    if entry["personal"]["user_id"] not in ("", user_id):
        raise InvalidProof(f"entry {number} is about another user")
    digest = sha256(netstrings([entry["fields"][name] for name in FIELDS] + [person.hex()]))
    if digests.get(number) != digest:
        raise InvalidProof(f"entry {number} is not what the signed log has at this place")


def check_proof(proof, trusted_key=None):
    """Raises InvalidProof, or another exception for what is no proof at all."""
    if proof["format"] != "herold-consent-proof/1":
        raise InvalidProof("the format is unknown")
    keys = {name: b64decode(text) for name, text in proof["public_keys"].items()}
    if any(key_id(key) != name for name, key in keys.items()):
        raise InvalidProof("a key has another id than it is listed under")
    check_whole(proof, keys, trusted_key)
    digests = {}
    for segment in proof["segments"]:
        digests.update(check_segment(segment, keys))
    for entry in proof["entries"]:
        check_entry(entry, proof["user_id"], digests)


def describe(entry, deliveries):
    fields = entry["fields"]
    at = datetime.fromtimestamp(int(fields["occurred_at"]) / 1e6, UTC).isoformat(timespec="seconds")
    count = sum(delivery["consent_event_id"] == "cev_" + fields["id"] for delivery in deliveries)
    target = f"{fields['category'] or 'all categories'}, {fields['channel'] or 'all channels'}"
    erased = "" if entry["salt"] else ", erased"
    return f"{at} {fields['change']} {fields['new_choice']} for {target}, by {fields['source']}{erased}; allowed {count} deliveries"


def main(arguments):
    trusted_key = b64decode(arguments[1]) if len(arguments) > 1 else None
    try:
        with open(arguments[0], encoding="utf-8") as file:
            proof = json.load(file)
        check_proof(proof, trusted_key)
    except InvalidProof as error:
        print(f"NOT VALID: {error}")
        return 1
    except Exception as error:
        print(f"NOT VALID: this is no proof ({type(error).__name__})")
        return 1
    for entry in proof["entries"]:
        print(ascii(describe(entry, proof["deliveries"]))[1:-1])  # control characters as escapes
    if trusted_key is None:
        print(f"Is this the sender's public key? {proof['public_keys'][proof['key_id']]}")
    print("VALID")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
