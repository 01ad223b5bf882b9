"""The addresses of one task: its page, and its input and result as files."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from monitor.page import access, responses
from monitor.page.contents.pages import ContentsPages, file_name
from throughline.api_keys import ApiKeys


def add(routes: APIRouter, pages: ContentsPages, keys: ApiKeys) -> None:
    """Adds them to the page's own."""

    @routes.get("/tasks/{task_id}")
    async def one_task(request: Request, task_id: str) -> Response:
        if task_id == "actions":  # where the list's form is sent to
            raise HTTPException(405)
        viewer = access.require_reader(keys, request.headers)
        return responses.page(await pages.page(task_id, viewer))

    @routes.get("/tasks/{task_id}/{what}")
    async def file(request: Request, task_id: str, what: Literal["input", "result"]) -> Response:
        viewer = access.require_reader(keys, request.headers)
        content = await pages.file(task_id, what, viewer)
        return responses.download(content, file_name(task_id, what))
