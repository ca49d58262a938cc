"""The explorer of a workspace, served to this machine alone until it is interrupted."""

import json
import logging
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from secrets import token_urlsafe
from typing import Any

from sociolect.errors import UsageError, needs
from sociolect.explore.app import app
from sociolect.explore.atlas import Atlas
from sociolect.explore.guard import App


def serve(ready: Callable[[], Atlas], *, port: int = 0, browser: bool = True, as_json: bool = False) -> None:
    """Prepares the workspace, prints the address, and answers there until Ctrl-C.

    The address holds a token of its own at every start; port 0 takes a free one. With `as_json` the address is printed
    as one JSON object. Raises MissingExtra without starlette and uvicorn, UsageError for a port that cannot be had, and
    what `ready` raises.
    """
    try:
        import starlette  # noqa: F401 - the application's own; asked for before anything is prepared
        import uvicorn  # noqa: F401 - likewise
    except ImportError as error:
        raise needs("explore", "explore") from error
    if not 0 <= port <= 65_535:
        raise UsageError(f"--port {port}: due is 0 (a free one) to 65535")
    atlas = ready()
    with ear(port) as listening:
        port, token = listening.getsockname()[1], token_urlsafe(24)
        address = f"http://127.0.0.1:{port}/{token}/"
        told = {"address": address, "port": port, "workspace": str(atlas.found.folder)}
        with suppress(KeyboardInterrupt):
            print(json.dumps(told) if as_json else f"explore: {address}\nCtrl-C ends it.", flush=True)
            if browser:
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            server(app(atlas, token=token, port=port)).run(sockets=[listening])
        print("the explorer is closed", file=sys.stderr)


def ear(port: int) -> socket.socket:
    """A socket that listens on this machine's loopback alone; UsageError for a port that cannot be had."""
    # TCP by name: only then does asyncio send small replies at once, where they would else wait 40 ms (Nagle)
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise UsageError(f"--port {port}: {error.strerror}; take another, or leave it out for a free one") from error
    listening.listen(64)
    return listening


def server(application: App) -> Any:
    """uvicorn around the application: it logs no request, for a name that was searched for is written nowhere."""
    import uvicorn

    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    return uvicorn.Server(
        uvicorn.Config(
            application,
            access_log=False,
            log_config=None,
            lifespan="off",
            ws="none",
            http="h11",
            loop="asyncio",
            server_header=False,
            proxy_headers=False,
            limit_concurrency=256,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=2,
        )
    )
