"""Looks up what the pages about many tasks show, and fills their templates."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import orjson

from monitor.page.answer_cache import AnswerCache
from monitor.page.page_data import PageData
from monitor.page.profile.asked import Asked, asked, rounded
from monitor.page.profile.error_groups import Groups, to_dict
from monitor.page.profile.errors_view import errors_view
from monitor.page.profile.profile_view import profile_view
from monitor.page.profile.replay_form import ReplayForm
from monitor.page.responses import rendered
from throughline.profile import Profile
from throughline.profile.document import to_dict as profile_to_dict

_FRESH_SECONDS: Final = 10


class ProfilePages:
    """One monitor's."""

    def __init__(self, data: PageData) -> None:
        self._data = data
        self._profiles: AnswerCache[Profile] = AnswerCache(_FRESH_SECONDS)
        self._groups: AnswerCache[Groups] = AnswerCache(_FRESH_SECONDS / 10)

    async def profile(self, since: str, until: str, task_type: str, order: str = "") -> str:
        what, found = await self._profile(since, until, task_type)
        view = profile_view(found, replace(what, order=order), self._data.where)
        return await self._data.in_thread(lambda: rendered("profile.html", view=view))

    async def profile_document(self, since: str, until: str, task_type: str) -> bytes:
        """What `throughline profile --json` prints."""
        _, found = await self._profile(since, until, task_type)
        return orjson.dumps(profile_to_dict(found), option=orjson.OPT_INDENT_2)

    async def errors(self, since: str, until: str, task_type: str, order: str, token: str) -> str:
        what, found = await self._error_groups(since, until, task_type)
        view = errors_view(found, replace(what, order=order), datetime.now(UTC))
        return await self._data.in_thread(lambda: rendered("errors.html", view=view, token=token))

    async def replay(self, form: ReplayForm) -> str:
        """The page that asks whether the dead letters of one error are to be replayed."""
        what = asked(form.since, form.until, form.task_type, datetime.now(UTC))
        found = await self._data.error_groups(what.window, what.task_type)
        view = form.confirmation(found, secrets.token_urlsafe(12))
        return rendered("task_action.html", view=view, token=form.token)

    async def errors_document(self, since: str, until: str, task_type: str) -> bytes:
        """What `throughline errors --json` prints."""
        what, found = await self._error_groups(since, until, task_type)
        return orjson.dumps(to_dict(found, what.window), option=orjson.OPT_INDENT_2)

    async def _profile(self, since: str, until: str, task_type: str) -> tuple[Asked, Profile]:
        what = asked(since, until, task_type, datetime.now(UTC))
        window = rounded(what.window)
        key = f"{window.since} {window.until} {task_type}"
        return what, await self._profiles.get(key, lambda: self._data.profile(window, task_type))

    async def _error_groups(self, since: str, until: str, task_type: str) -> tuple[Asked, Groups]:
        what = asked(since, until, task_type, datetime.now(UTC))
        key = f"{since} {until} {task_type}"
        return what, await self._groups.get(key, lambda: self._data.error_groups(what.window, task_type))
