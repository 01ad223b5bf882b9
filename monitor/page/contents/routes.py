"""The addresses of one task: its page, and its input and result as files."""

from typing import Literal

from fastapi import APIRouter, Request, Response

from monitor.page import access, responses
from monitor.page.contents.pages import ContentsPages, file_name
from monitor.page.refusal import Refused
from throughline.api_keys import ApiKeys


def add(routes: APIRouter, pages: ContentsPages, keys: ApiKeys) -> None:
    """Adds them to the page's own."""

    @routes.api_route("/tasks/{task_id}", methods=["GET", "HEAD"])
    async def one_task(request: Request, task_id: str) -> Response:
        if task_id == "actions":  # where the list's form is sent to
            raise Refused(405, "METHOD_NOT_ALLOWED", "Forms of the list are sent here.", {"Allow": "POST"})
        viewer = access.require_reader(keys, request.headers)
        return responses.page(await pages.page(task_id, viewer))

    @routes.api_route("/tasks/{task_id}/{what}", methods=["GET", "HEAD"])
    async def file(request: Request, task_id: str, what: Literal["input", "result"]) -> Response:
        viewer = access.require_reader(keys, request.headers)
        content = await pages.file(task_id, what, viewer)
        return responses.download(content, file_name(task_id, what))
