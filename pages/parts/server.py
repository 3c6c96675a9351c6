"""What the server is besides the pages: routes, host check, headers, and its life."""

import asyncio
import gc
import importlib
import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.runs import dispatcher, hosts
from pages.parts import routes

HOSTS = ("localhost", "127.0.0.1")
WARM = ("pandas", "plotly.graph_objects", "pyarrow", "streamlit.elements.plotly_chart")
STOP_SECONDS = 5.0


def build(extra_hosts: tuple[str, ...] = ()) -> dict[str, Any]:
    """Give the arguments of `st.App`: routes, middleware and lifespan."""
    allowed = [*HOSTS, *extra_hosts]
    return {
        "routes": routes.ROUTES,
        "middleware": [
            Middleware(TrustedHostMiddleware, allowed_hosts=allowed),
            Middleware(SecurityHeaders),
        ],
        "lifespan": lifespan,
    }


@asynccontextmanager
async def lifespan(_app: Any) -> AsyncIterator[None]:
    """Import what the first page needs, dispatch waiting jobs while the server lives, then stop.

    Runs and tasks are processes of their own and outlive it. `WINNOW_PRELOAD=0` starts no
    engine process ahead of its first use.
    """
    await asyncio.to_thread(_warm)
    if os.environ.get("WINNOW_PRELOAD") != "0":
        hosts.renew()
    stop = threading.Event()
    thread = threading.Thread(
        target=dispatcher.serve, args=(stop,), name="dispatcher", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        await asyncio.to_thread(thread.join, STOP_SECONDS)


def _warm() -> None:
    """Import ahead, and take what is imported out of every later garbage collection."""
    for name in WARM:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


class SecurityHeaders:
    """Forbid framing by other sites, and guessing of content types, on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and add the headers to the answer."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Frame-Options"] = "SAMEORIGIN"
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)
