"""Changes the preferences of the user whom a link in a message is for; the token of the link is the permission."""

from collections.abc import Callable, Collection, Sequence

from app.api.services.consent_choices import Offer, list_offers, plan_changes, plan_opt_out_of_all
from app.api.services.profile_eviction import ProfileEviction
from schemas.errors import MissingUserError
from schemas.link_tokens import LinkTokens
from schemas.message_links import LinkTarget, read_target
from schemas.store_ports import PolicyReader
from schemas.users import ChangeOrigin, Preference, PreferenceChange, UserChange
from tables.postgres.preferences import PreferenceStore
from tables.postgres.users import UserStore

ACTOR = "user"
MAX_REASON_CHARACTERS = 128

ReasonWord = str  # what the user did, for the history of consent


class LinkConsent:
    """Each method but `read_token` and `list_offers` raises UnavailableError. Without `tokens` no link works."""

    def __init__(
        self,
        tokens: LinkTokens | None,
        users: UserStore,
        preferences: PreferenceStore,
        policies: PolicyReader,
        profile_eviction: ProfileEviction,
    ) -> None:
        self._tokens, self._users, self._preferences = tokens, users, preferences
        self._policies, self._profile_eviction = policies, profile_eviction

    def read_token(self, token: str) -> LinkTarget | None:
        """Whom the link is for; None if it is none of ours."""
        return read_target(self._tokens, token) if self._tokens else None

    def list_offers(self) -> list[Offer]:
        """What users can choose. Raises UnavailableError before the first policy is loaded."""
        return list_offers(self._policies.get_current().rules.values())

    async def get_locale(self, user_id: str) -> str:
        """The locale of a user; empty for one who is not stored."""
        user = await self._users.get(user_id)
        return user.locale if user else ""

    async def list_preferences(self, user_id: str) -> list[Preference]:
        """The preferences of a user; none for one who is not stored."""
        try:
            return (await self._preferences.list_preferences(user_id))[0]
        except MissingUserError:
            return []

    async def opt_out(self, target: LinkTarget, word: ReasonWord) -> None:
        """The user gets no messages of the category on the channel any more; once more changes nothing."""
        await self._change(target, word, lambda _: [PreferenceChange("out", target.category, target.channel)])

    async def opt_out_of_all(self, target: LinkTarget, word: ReasonWord) -> None:
        """The user gets nothing any more that needs consent."""
        await self._change(target, word, plan_opt_out_of_all)

    async def choose(self, target: LinkTarget, word: ReasonWord, shown: Collection[str], chosen: Collection[str]) -> None:
        """The user gets what was chosen of what was shown, by the keys of offers."""
        offers = self.list_offers()
        await self._change(target, word, lambda preferences: plan_changes(offers, preferences, shown, chosen))

    async def _change(
        self, target: LinkTarget, word: ReasonWord, plan: Callable[[Sequence[Preference]], Sequence[PreferenceChange]]
    ) -> None:
        origin = ChangeOrigin("link", ACTOR, f"{word} {target.notification_id}"[:MAX_REASON_CHARACTERS])
        changes = plan(await self.list_preferences(target.user_id))
        if not changes:
            return
        try:
            await self._preferences.change(target.user_id, changes, None, origin)
        except MissingUserError:  # a guest, whose address came with the notification: from now on there is something to remember
            await self._users.create(target.user_id, UserChange(), origin)
            await self._preferences.change(target.user_id, changes, None, origin)
        await self._profile_eviction.evict([target.user_id])
