"""The read-only addresses beside the pages: thumbnails, previews, curves, scripts and styles.

Each only reads. Every change goes through Streamlit's socket, which checks where it comes from.
"""

import asyncio
import functools
import math
import re
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from core.datasets import thumbnails
from core.domain.errors import NotFoundError, WinnowError
from core.runs import curves, lr_finds, previews
from pages.parts import assets

HASH = re.compile(r"[0-9a-f]{16,128}")
FOREVER = {"Cache-Control": "private, max-age=31536000, immutable"}
NEVER = {"Cache-Control": "no-store"}
LOCKED = {"Content-Security-Policy": "default-src 'none'"}


async def thumbnail(request: Request) -> Response:
    """Send the JPEG of an image by its content: such an address never changes its meaning."""
    content_hash, size_px = request.path_params["content_hash"], request.path_params["size_px"]
    if not HASH.fullmatch(content_hash) or size_px not in thumbnails.SIZES_PX:
        return _missing()
    headers = {**FOREVER, **LOCKED, "ETag": f'"{content_hash}-{size_px}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    try:
        path = await asyncio.to_thread(thumbnails.get, content_hash, size_px=size_px)
    except WinnowError as error:
        return _missing(error.sentence)
    return FileResponse(path, media_type="image/jpeg", headers=headers)


async def preview(request: Request) -> Response:
    """Send one JPEG of a preview; a preview's key says what it shows, so it never changes."""
    path = previews.find_image(request.path_params["key"], request.path_params["name"])
    if path is None:
        return _missing()
    return FileResponse(path, media_type="image/jpeg", headers={**FOREVER, **LOCKED})


async def run_steps(request: Request) -> Response:
    """Send a run's steps after the first `since`."""
    return await _rows(curves.get, request.path_params["run_id"], request)


async def lr_points(request: Request) -> Response:
    """Send a range test's points after the first `since`."""
    return await _rows(lr_finds.points, request.path_params["task_id"], request)


async def plotly(_request: Request) -> Response:
    """Send the plotly.js that the installed plotly brings."""
    return FileResponse(_plotly_file(), media_type="text/javascript", headers=FOREVER)


async def asset(request: Request) -> Response:
    """Send a script or a style of ours; under another version it may not be kept."""
    path = assets.find(request.path_params["name"])
    if path is None:
        return _missing()
    current = request.path_params["version"] == assets.version()
    headers = FOREVER if current else NEVER
    return FileResponse(path, media_type=assets.KINDS[path.suffix], headers=headers)


ROUTES = [
    Route("/thumb/{content_hash}/{size_px:int}", thumbnail),
    Route("/preview/{key}/{name}", preview),
    Route("/api/runs/{run_id}/steps", run_steps),
    Route("/api/lr/{task_id}/points", lr_points),
    Route("/assets/plotly.min.js", plotly),
    Route("/assets/ui/{version}/{name}", asset),
]


async def _rows(read: Callable[..., Mapping[str, Any]], name: str, request: Request) -> Response:
    since = request.query_params.get("since", "0")
    if not re.fullmatch(r"[0-9]{1,12}", since):
        return _refused(400, f"The position {since!r} is not a number.")
    try:
        answer = await asyncio.to_thread(read, name, since=int(since))
    except NotFoundError as error:
        return _refused(404, error.sentence)
    except WinnowError as error:
        return _refused(503, error.sentence)
    return JSONResponse(_finite(answer), headers=NEVER)


def _finite(value: Any) -> Any:
    """Write numbers that JSON does not know, such as a loss of NaN, as null: a gap."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value


def _missing(sentence: str = "There is no such file.") -> Response:
    return _refused(404, sentence)


def _refused(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers=NEVER)


@functools.cache
def _plotly_file() -> Path:
    return Path(str(resources.files("plotly") / "package_data" / "plotly.min.js"))
