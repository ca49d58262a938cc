"""The explorer's addresses: the page and its files, the answers as JSON, two buffers for the picture, and the exports."""

import asyncio
import json
import sys
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import polars as pl

from sociolect.errors import InputError, SociolectError, UsageError, needs
from sociolect.explore import answers
from sociolect.explore.atlas import Atlas
from sociolect.explore.export import export
from sociolect.explore.guard import App, guarded
from sociolect.text import clean

HERE = Path(__file__).parent
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
WAIT = 10.0  # seconds for a question to arrive whole
KEPT = 8  # growths whose tables can be exported: a page, or a browser, exports its own
LONG = 600  # characters of an error: a name may be long
Grow = Callable[[Atlas, dict[str, Any]], tuple[dict[str, Any], pl.DataFrame]]


def app(atlas: Atlas, *, token: str, port: int, grow: Grow | None = None) -> App:
    """The application of one atlas behind its guard, for a server on this port.

    `grow` answers `api/grow`; else `explore.growth` does. Replies are JSON in ASCII, so that no name or text in them is
    ever markup; errors are {"error": one line}. A community is asked for by its place in the path or, whatever its name
    (".." too), as `api/community?name=`; a growth has a number, and `api/export?growth=` takes it. Raises MissingExtra
    where starlette is not installed.
    """
    try:
        from starlette.applications import Starlette
        from starlette.background import BackgroundTask
        from starlette.concurrency import run_in_threadpool
        from starlette.exceptions import HTTPException
        from starlette.requests import ClientDisconnect, Request
        from starlette.responses import Response, StreamingResponse
        from starlette.routing import Route
    except ImportError as error:
        raise needs("explore", "explore") from error

    def said(value: object, status: int = 200) -> Response:
        return Response(json.dumps(value, allow_nan=False), status_code=status, media_type="application/json")

    files = {p.name: (p.read_bytes(), TYPES[p.suffix]) for p in HERE.iterdir() if p.suffix in TYPES}
    files[""] = files.pop("page.html", (b"<!doctype html><title>Sociolect</title>", "text/html"))
    overview = json.dumps(answers.overview(atlas), allow_nan=False).encode()
    grown: dict[str, pl.DataFrame] = {}  # the last growths by their numbers, for their exports
    number = count(1)

    def file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in files:  # the names were listed: no path is ever made of what was asked for
            return said({"error": "nothing is here"}, 404)
        body, media = files[name]
        return Response(body, media_type=media)

    def told(request: Request) -> Response:
        return Response(overview, media_type="application/json")

    def nodes(request: Request) -> Response:
        return Response(atlas.nodes, media_type="application/octet-stream")

    def edges(request: Request) -> Response:
        # the last that the page asks for before somebody reads it: time to open or make the index
        after = BackgroundTask(_warm, atlas) if grow is None else None
        return Response(atlas.edges, media_type="application/octet-stream", background=after)

    def search(request: Request) -> Response:
        return said(answers.search(atlas, request.query_params.get("q", "")))

    def account(request: Request) -> Response:
        return said(answers.account(atlas, _whole("account", request.path_params["number"])))

    def community(request: Request) -> Response:
        name = request.path_params.get("name", request.query_params.get("name", ""))
        return said(answers.community(atlas, name, page=_whole("page", request.query_params.get("page", "0"))))

    async def growth(request: Request) -> Response:
        try:
            body = await asyncio.wait_for(request.body(), WAIT)
        except TimeoutError:
            return said({"error": f"the question did not arrive whole within {WAIT:.0f} seconds"}, 408)
        except ClientDisconnect:
            return said({"error": "the question broke off"}, 400)
        try:
            question = json.loads(body)
            json.dumps(question, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InputError("the question holds half a character (a surrogate that stands alone)") from error
        except ValueError as error:
            raise InputError(f"the question is no JSON: {error}") from error
        except RecursionError as error:
            raise InputError("the question is nested too deep") from error
        if not isinstance(question, dict):
            raise InputError("the question is no JSON object")
        answer, frame = await run_in_threadpool(grow or _grow, atlas, question)
        key = str(next(number))
        grown[key] = frame
        for old in list(grown)[:-KEPT]:
            grown.pop(old, None)
        return said({**answer, "growth": int(key)})

    def exported(request: Request) -> Response:
        query = request.query_params
        asked = query.get("growth", next(reversed(grown), ""))
        if query.get("growth") and asked not in grown:
            raise UsageError(f"growth {asked[:20]} is not kept: the last {KEPT} are; grow it again")
        made = export(atlas, query.get("what", ""), community=query.get("community"), grown=grown.get(asked))
        named = {"content-disposition": f'attachment; filename="{made.name}"'}
        return StreamingResponse(made.pieces, media_type=made.media, headers=named)

    async def wrong(request: Request, error: Exception) -> Response:
        status = 404 if request.method != "POST" and isinstance(error, UsageError) else 400
        line = " ".join(clean(str(error)).split())
        return said({"error": line if len(line) <= LONG else f"{line[:LONG]}…"}, status)

    async def lost(request: Request, error: Exception) -> Response:
        return said({"error": "nothing is here"}, error.status_code if isinstance(error, HTTPException) else 404)

    async def fault(request: Request, error: Exception) -> Response:
        print(clean("".join(traceback.format_exception(error))).replace("\r", ""), file=sys.stderr)
        return said(
            {"error": f"a fault of sociolect itself ({type(error).__name__}); the lines are on the terminal"}, 500
        )

    routes = [
        Route("/api/overview", told),
        Route("/api/nodes.bin", nodes),
        Route("/api/edges.bin", edges),
        Route("/api/search", search),
        Route("/api/account/{number}", account),
        Route("/api/community", community),
        Route("/api/community/{name:path}", community),
        Route("/api/grow", growth, methods=["POST"]),
        Route("/api/export", exported),
        Route("/{name}", file),
        Route("/", lambda request: Response(files[""][0], media_type="text/html")),
    ]
    handlers: dict[Any, Any] = {SociolectError: wrong, HTTPException: lost, Exception: fault}
    bare = Starlette(routes=routes, exception_handlers=handlers)
    bare.router.redirect_slashes = False  # it would lead to an address without the token
    return guarded(bare, token=token, port=port)


def _whole(what: str, said: str) -> int:
    if not (said.isascii() and said.isdigit() and len(said) < 16):
        raise UsageError(f"{what}={said[:20]!r}: due is a whole number from 0")
    return int(said)


def _grow(atlas: Atlas, question: dict[str, Any]) -> tuple[dict[str, Any], pl.DataFrame]:
    from sociolect.explore.growth import grow

    return grow(atlas, question)


def _warm(atlas: Atlas) -> None:
    from sociolect.explore.growth import warm

    warm(atlas)
