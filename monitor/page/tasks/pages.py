"""The pages of tasks: the list that an address asks for, and the two pages of an action on chosen tasks."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from monitor.page.answer_cache import AnswerCache
from monitor.page.links import example
from monitor.page.moments import in_address
from monitor.page.responses import rendered
from monitor.page.tasks.action_form import ActionForm, confirmation, result
from monitor.page.tasks.actions import Asker, TaskActions
from monitor.page.tasks.address import TasksAddress
from monitor.page.tasks.asked import Asked, asked
from monitor.page.tasks.histogram import histogram
from monitor.page.tasks.rows import task_rows
from monitor.page.tasks.source import Listed, TaskSource
from monitor.page.tasks.time_range import time_range
from monitor.page.tasks.view import REFRESH_SECONDS, Filters, TasksView, filters, legend
from throughline.ledger import redis_clock
from throughline.settings import MonitorSettings
from throughline.tasks.registry import registry

_FRESH_SECONDS: Final = 0.9  # under the refresh of a page: however many look at a list, it is made once a second
# Stands for each viewer's own token in a page that is made once for all of them.
_TOKEN: Final = secrets.token_hex(16)


@dataclass(frozen=True)
class Made:
    """A page; or, where there is no page before the one asked for, the address of the first one."""

    html: str = ""
    status: int = 200
    instead: str = ""


class TasksPages:
    """The pages of one monitor."""

    def __init__(self, settings: MonitorSettings, actions: TaskActions) -> None:
        self._settings = settings
        self._source, self._actions = TaskSource(settings), actions
        self._lists: AnswerCache[Made] = AnswerCache(_FRESH_SECONDS)

    async def close(self) -> None:
        await self._source.close()

    async def list(self, address: TasksAddress, token: str, base_url: str) -> Made:
        made = await self._lists.get(f"{base_url} {address.query}", lambda: self._list(address, base_url))
        return Made(made.html.replace(_TOKEN, token), made.status, made.instead)

    def confirm(self, form: ActionForm) -> str:
        view = confirmation(form, form.wanted(), secrets.token_urlsafe(12))
        return rendered("task_action.html", view=view, token=form.token)

    async def carry_out(self, form: ActionForm, correlation_id: str, key: str) -> str:
        action = form.wanted()
        asker = Asker(correlation_id, key, form.confirmed, form.why)
        outcomes = await self._actions.carry_out(action, form.task_ids, asker)
        return rendered("task_action.html", view=result(form, action, outcomes, correlation_id), token=form.token)

    async def _list(self, address: TasksAddress, base_url: str) -> Made:
        now = redis_clock.own.now()
        wanted = asked(address, now)
        form = filters(address, wanted.errors, tuple(registry()))
        if wanted.errors:
            view = TasksView(form, address.query, address.between("", "").url)
            return Made(rendered("tasks.html", view=view, token=_TOKEN), 422)
        listed = await self._source.page(wanted.query)
        if wanted.backwards and not listed.more and not listed.troubles:
            return Made(instead=wanted.fixed.url)
        return Made(rendered("tasks.html", view=await self._view(wanted, listed, form, now, base_url), token=_TOKEN))

    async def _view(self, wanted: Asked, listed: Listed, form: Filters, now: float, base_url: str) -> TasksView:
        shown = listed.tasks[::-1] if wanted.backwards else listed.tasks
        within = time_range(wanted.query, shown, now)
        # Where the history has just kept the list waiting in vain, it is not asked a second time.
        counted = await self._source.counts(wanted.query, within, listed.without_history) if within else None
        address = wanted.address
        picture = None
        if within and counted:
            released = await self._source.releases()
            picture = histogram(counted.bars, within.since, within.until, _zoom(address), released)
        relative = within and (address.get("since") or not address.get("submitted_before"))
        troubles = [*listed.troubles, *(counted.troubles if counted else ())]
        return TasksView(
            form,
            address.query,
            range_url=address.between("", "").url,
            exact_url=_zoom(address)(in_address(within.since), in_address(now)) if within and relative else "",
            rows=task_rows(shown, now),
            picture=picture,
            legend=legend(picture, address) if picture else (),
            troubles=tuple(dict.fromkeys(troubles)),
            first_url="" if wanted.is_first_page else wanted.fixed.url,
            previous_url=wanted.page_before(shown[0]).url if shown and not wanted.is_first_page else "",
            next_url=wanted.page_after(shown[-1]).url if shown and (listed.more or wanted.backwards) else "",
            example=""
            if form.chips or troubles
            else example(base_url, needs_key=self._settings.api_keys_file is not None),
            refresh_seconds=REFRESH_SECONDS if _is_live(wanted, now) else 0,
        )


def _is_live(wanted: Asked, now: float) -> bool:
    """Whether a task that is sent now may appear at the top."""
    before = wanted.query.submitted_before
    return wanted.is_first_page and wanted.query.newest_first and (before is None or before > now)


def _zoom(address: TasksAddress) -> Callable[[str, str], str]:
    return lambda since, until: address.between(since, until).url
