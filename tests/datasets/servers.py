"""A web server on this machine, with pages made of functions."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Page = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Server:
    """Where a server listens, its pages, and what it was asked for."""

    port: int
    pages: dict[str, Page]
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """Give the address of a page."""
        return f"http://{host}:{self.port}{path}"

    @property
    def paths(self) -> list[str]:
        """List the paths that were asked for."""
        return [path for path, _ in self.asked]


@contextmanager
def serving(pages: Mapping[str, Page]) -> Iterator[Server]:
    """Serve pages by their path, without the query, while the block runs."""
    server = Server(port=0, pages=dict(pages))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append((self.path, dict(self.headers)))
            server.pages.get(self.path.partition("?")[0], answer(b"lost", status=404))(self)

        def log_message(self, *_: object) -> None:
            pass

    listening = ThreadingHTTPServer(("0.0.0.0", 0), Handler)
    listening.daemon_threads = True
    server.port = listening.server_address[1]
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()


def answer(content: bytes, *, status: int = 200, **headers: str) -> Page:
    """Make a page that gives some bytes; headers are named with low lines."""

    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        wanted = {"Content_Length": str(len(content)), **headers}
        for name, value in wanted.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        with suppress(OSError):  # a client may have had enough
            handler.wfile.write(content)

    return page


def redirect(target: str, *, status: int = 302) -> Page:
    """Make a page that leads elsewhere."""
    return answer(b"", status=status, Location=target)


def dripping(content: bytes, *, seconds: float = 0.02) -> Page:
    """Make a page that gives a byte, waits, gives another, and never ends by itself."""

    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        pause = threading.Event()
        with suppress(OSError):
            while not pause.wait(seconds):
                handler.wfile.write(content[:1])
                handler.wfile.flush()

    return page


def silent(until: threading.Event) -> Page:
    """Make a page that says nothing until it is let go."""

    def page(_: BaseHTTPRequestHandler) -> None:
        until.wait(10)

    return page


def hanging_up(_: BaseHTTPRequestHandler) -> None:
    """Be a page that ends the connection without an answer."""
