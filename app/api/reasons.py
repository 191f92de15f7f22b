"""What each reason of a decision means, and what would have changed it: the words of the router's gates and of the scheduler."""

from agents.router.gates import order
from agents.router.gates.wording import Sentence
from agents.scheduler import changes

REASONS: dict[str, Sentence] = {**order.REASONS, **changes.REASONS}
REMEDIES: dict[str, Sentence] = {**order.REMEDIES, **changes.REMEDIES}
