"""Notifications of users of a project: what they name without a project is the project's, so that a producer qualifies the user only.

Nothing falls back to the default project: a type without a rule in the project of its user is unknown (docs/decisions/0052).
"""

from msgspec.structs import replace

from agents.router.compiled_policy import CompiledPolicy
from agents.router.routing_plan import RoutingPlan
from agents.router.routing_state import RoutingState
from schemas.notification import Notification
from schemas.policy import Policy
from schemas.projects import qualify_once


def find_project_plan(state: RoutingState, policy: CompiledPolicy) -> RoutingPlan | None:
    """The plan of the project of the user, after its notification is given the type and template of the project; None without one."""
    notification, project = state.notification, policy.policy.find_project(state.notification.user_id)
    if project:
        template = qualify_once(project, notification.template) if notification.template else notification.template
        qualified = qualify_once(project, notification.type)
        if (qualified, template) != (notification.type, notification.template):
            notification = state.notification = replace(notification, type=qualified, template=template)
    if find_other_project(notification, policy.policy):
        return None
    return policy.get_plan(notification, state.routed_channels, state.resume_count, project)


def find_other_project(notification: Notification, policy: Policy) -> tuple[str, str, str] | None:
    """The first field that names another project than the user does, with both projects; None if none does."""
    project = policy.find_project(notification.user_id)
    for field, text in (("type", notification.type), ("template", notification.template)):
        if text and (other := policy.find_project(text)) != project:
            return field, other, project
    return None
