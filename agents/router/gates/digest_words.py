"""The words of the gate digest: what became of a notification that is gathered, and of the digest."""

from agents.router.gates.wording import Facts, Sentence, write_sentence
from schemas.enums import State

DIGEST = "digest"
CANCELLED = "cancelled"
LOST = "digest_lost"
OFF, NOT_CHOSEN, IGNORED, HAS_ATTACHMENTS = "off", "not_chosen", "field_ignored", "has_attachments"
"""Why a notification is not gathered: the user chose it, or the rule leaves it to the user, who chose nothing; or there is no such rule;
or it has files, which no digest has."""


def describe(facts: Facts) -> str:
    """What is in a digest; which one of it was merged, or which one began it; and what tells it apart from others."""
    inputs = facts.inputs
    words = []
    if "events" in inputs:
        words.append(f"{inputs['count']} in it: {', '.join(inputs['events'])}")
    if expired := inputs.get("expired"):
        words.append(f"left out, because they had expired: {', '.join(expired)}")
    if "number" in inputs:
        words.append(f"number {inputs['number']} in it")
    if "first" in inputs:
        words.append(f"it began with {inputs['first']}")
    if "key" in inputs:
        words.append(f"its key is {inputs['key']!r}")
    if "key_fault" in inputs:
        words.append(f"its rule gives no key: {inputs['key_fault']}")
    return "; ".join(words)


def _write_reason(facts: Facts) -> str:
    if facts.event.state != State.MERGED:
        return "it gathers notifications until then"
    when = write_sentence(", which is sent at {sent_at:time} or before", facts) if "sent_at" in facts.inputs else ""
    return write_sentence("it was merged into the digest {duplicate_of}", facts) + when


def _write_remedy(facts: Facts) -> str:
    if facts.event.state != State.MERGED:
        return "it is sent before if it is full, or if something in it would expire"
    return "the user would have to choose no digest (`off`), or its rule not to gather them"


REASONS: dict[str, Sentence] = {
    DIGEST: _write_reason,
    CANCELLED: "it was cancelled while it was held",
    LOST: "it is a digest, and what is in it is lost",
}
REMEDIES: dict[str, Sentence] = {
    DIGEST: _write_remedy,
    CANCELLED: "the notification would have to be submitted again",
    LOST: "the changelog of the table digests would have to be complete",
}
