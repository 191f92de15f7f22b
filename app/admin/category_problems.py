"""Categories that are misspelt: rules make the categories, so a wrong letter would make one that no preference and no limit has; pure."""

from collections.abc import Iterator

from schemas.categories import ESSENTIAL_CATEGORIES
from schemas.names import find_name_problem
from schemas.policy import Policy, Rule
from schemas.policy_document import PolicyDocument, build_rate_limit
from schemas.user_validation import find_category_problem

MIN_COMPARED = 5  # characters; shorter names differ by one letter and are meant: new, news


def find_misspelt_category(rule: Rule, before: Policy, after: Policy) -> str | None:
    """Why the category of a rule is probably misspelt: no rule had it, and it is nearly one that others have. None if it is not."""
    if any(one.category == rule.category for one in before.rules.values()):
        return None
    others = (ESSENTIAL_CATEGORIES | {one.category for one in after.rules.values()}) - {rule.category}
    similar = next((one for one in sorted(others) if is_misspelling(rule.category, one)), None)
    return (
        None
        if similar is None
        else f"{rule.category!r} would be a new category, and is nearly {similar!r}: write that, or a more distinct name"
    )


def find_limit_problems(before: Policy, after: Policy, document: PolicyDocument) -> Iterator[tuple[int, str, str]]:
    """What is wrong with new rate limits: the index, the field, and why; such as a category that no rule has."""
    known = {rule.category for rule in after.rules.values()}
    keys = {limit.key for limit in before.rate_limits}  # the rules of its category may be gone since
    for index, limit in enumerate(document.rate_limits):
        if build_rate_limit(limit).key in keys:
            continue
        if problem := find_category_problem(limit.category, known):
            yield index, "category", problem.text
        if text := find_name_problem(limit.tier):
            yield index, "tier", text


def is_misspelling(name: str, other: str) -> bool:
    """Whether two names differ in case only, or in one letter that is missing, added, replaced or swapped with the next one."""
    short, long = sorted((name.casefold(), other.casefold()), key=len)
    if short == long:
        return True
    start = _count_equal(short, long)
    short, long = short[start:], long[start:]
    end = _count_equal(short[::-1], long[::-1])
    short, long = short[: len(short) - end], long[: len(long) - end]
    is_one_character = len(long) == 1 or (len(long) == 2 and short == long[::-1])
    return is_one_character and len(name) >= MIN_COMPARED and not any(character.isdigit() for character in long)


def _count_equal(first: str, second: str) -> int:
    """How many characters are the same before the first that differs; `first` is not longer."""
    return next((index for index, character in enumerate(first) if character != second[index]), len(first))
