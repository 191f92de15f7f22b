"""What a text must be to name something: a user, a rule, a template, a tier; pure."""

SPACES = "begins or ends with a space, which nobody sees: leave it out"


def find_name_problem(name: str) -> str:
    """Why a text should name nothing, as a clause; empty if it may."""
    return SPACES if name != name.strip() else ""
