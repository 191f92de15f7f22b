"""Creates the ACLs of the roles, prints them as commands of Kafka, and checks at a start that a role has its rights."""

import shlex
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from aiokafka.errors import for_code

from app.admin.topics import open_admin_client
from app.connection_settings import KafkaSection
from app.kafka.acl_requests import CreateManyAclsRequest, find_denied
from app.kafka.acls import AclRule, build_role_rules
from schemas.errors import DeniedError

SECURITY_DISABLED: Final = 54  # Kafka protocol, error codes
MAX_LISTED: Final = 5  # denied rights that an error names


async def create_acls(kafka: KafkaSection, rules: Sequence[AclRule], principals: Mapping[str, str]) -> int:
    """Create the ACLs that do not exist; returns how many there are. Raises DeniedError, and UnavailableError if Kafka does not answer."""
    request = CreateManyAclsRequest(rules, principals)
    async with open_admin_client(kafka) as admin:
        response = await admin._send_request(request)
    for code, message in response.creation_responses:
        if code == SECURITY_DISABLED:
            raise DeniedError("the brokers have no authorizer, so ACLs have no effect: set authorizer.class.name in their configuration")
        if code:
            problem = message or for_code(code).__name__
            raise DeniedError(f"Kafka does not create the ACLs: {problem}; run the command as a user with Alter on the cluster")
    return len(request.creations)


async def require_rights(kafka: KafkaSection, role: str) -> None:
    """Raises DeniedError, which names what this user may not do, and UnavailableError if Kafka does not answer."""
    async with open_admin_client(kafka) as admin:
        if denied := await find_denied(admin, build_role_rules(kafka, role)):
            raise DeniedError(describe_denied(role, denied, kafka.security.username))


def describe_denied(role: str, denied: Sequence[AclRule], username: str) -> str:
    """Which rights are missing, and what to do."""
    user = f"the user {username} of kafka.security" if username else "the user of kafka.security"
    shown = [f"{'/'.join(rule.operations)} on the {rule.resource} {rule.name}" for rule in denied[:MAX_LISTED]]
    more = f" and on {len(denied) - MAX_LISTED} more" if len(denied) > MAX_LISTED else ""
    advice = f"let the role {role} connect as its own user, or run `herold topics acls --apply` as an administrator"
    return f"{user} has no right to {', '.join(shown)}{more}, which the role {role} needs: {advice}"


def build_commands(kafka: KafkaSection, rules: Sequence[AclRule], principals: Mapping[str, str]) -> list[str]:
    """The rules as commands of Kafka's kafka-acls, one for all topics or groups with the same operations of a role."""
    commands = []
    for (role, resource, operations), group in groupby(sorted(rules, key=_get_command_key), _get_command_key):
        words = ["kafka-acls.sh", "--bootstrap-server", kafka.bootstrap_servers, "--command-config", "admin.properties", "--add"]
        words += ["--allow-principal", principals[role]]
        words += [word for operation in operations for word in ("--operation", operation)]
        words += [word for rule in group for word in (f"--{resource}", rule.name)]
        commands.append(shlex.join(words))
    return commands


def _get_command_key(rule: AclRule) -> tuple[str, str, tuple[str, ...]]:
    return rule.role, rule.resource, rule.operations
