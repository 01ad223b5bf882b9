"""What changes something is not done for a page of another site, even where no API key is needed, on any route."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from api import problems
from api.own_site import OwnSite

HOST = "localhost:8080"


def answer(method: str = "POST", path: str = "/close", **headers: str) -> httpx.Response:
    app = FastAPI()
    app.add_middleware(OwnSite, allowed=frozenset())
    problems.install(app)

    @app.api_route("/close", methods=["GET", "POST", "DELETE", "PATCH"])
    async def close() -> str:
        return "done"

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{HOST}") as client:
            return await client.request(method, path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    return asyncio.run(ask())


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/close", "/none"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec_Fetch_Site": "same-site", "Origin": "http://localhost:9999"},
        {"Origin": "https://evil.example", "Content_Type": "application/json"},
        {"Origin": "null"},
        {"Origin": "http://[bad"},
    ],
)
def test_a_page_of_another_site_changes_nothing(method: str, path: str, headers: dict[str, str]):
    refused = answer(method, path, **headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "CROSS_SITE_REQUEST")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec_Fetch_Site": "none"},
        {"Sec_Fetch_Site": "same-origin", "Origin": f"http://{HOST}"},
        {"Origin": f"https://{HOST}"},  # TLS ends at a proxy
    ],
)
def test_programs_and_the_services_own_pages_are_obeyed(headers: dict[str, str]):
    assert answer(**headers).json() == "done"


def test_what_only_reads_is_answered_wherever_it_comes_from():
    assert answer("GET", Sec_Fetch_Site="cross-site").status_code == 200
