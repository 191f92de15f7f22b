"""How much work the regular expressions of an expression may be; pure.

CEL searches in linear time (RE2, https://github.com/google/re2/wiki/Syntax), with a factor that grows with the pattern: a counted
repetition is as many copies of what it repeats.
"""

import re

CLASS_STEPS = 50  # of a class of Unicode, which is hundreds of ranges
MAX_STEPS = 250  # of one pattern, a step being a character, a class or an assertion after all repetitions are written out

_CLASSES = re.compile(r"\\[pP]")
_TOKENS = re.compile(
    r"\\[pP](?:\{\w+\}|\w)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?(?:P?<\w+>|[a-zA-Z-]*:?)|\{(\d+)(?:,(\d*))?\}|.",
    re.DOTALL,
)


def count_steps(pattern: str) -> int:
    """How many steps a pattern has when its repetitions are written out; more than MAX_STEPS is as good as any such number."""
    groups: list[list[int]] = [[0, 0]]  # of each open group all steps, and those of its last part
    for token in _TOKENS.finditer(pattern):
        text = token[0]
        if text.startswith("("):
            groups.append([0, 0])
        elif text == ")" and len(groups) > 1:
            steps, _ = groups.pop()
            _add(groups[-1], max(1, steps))
        elif token[1] is not None:
            low, high = int(token[1]), int(token[2] or 0)
            groups[-1][0] += groups[-1][1] * (max(1, low, high) - 1)
            groups[-1][1] *= max(1, low, high)
        elif text not in "*+?|":
            _add(groups[-1], 1 + CLASS_STEPS * len(_CLASSES.findall(text)))
        if groups[-1][0] > MAX_STEPS:
            return groups[-1][0]
    return sum(steps for steps, _ in groups)


def _add(group: list[int], steps: int) -> None:
    group[0] += steps
    group[1] = steps
