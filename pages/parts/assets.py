"""Our own scripts and styles for the browser, under an address that changes with their content."""

import functools
import hashlib
import json
from pathlib import Path

FOLDER = Path(__file__).parent
KINDS = {".js": "text/javascript", ".css": "text/css"}


@functools.cache
def version() -> str:
    """Hash all assets; modules import each other relatively, so one version serves them all."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(FOLDER.iterdir()):
        if path.suffix in KINDS:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def url(name: str) -> str:
    """Give the address of an asset."""
    return f"/assets/ui/{version()}/{name}"


def find(name: str) -> Path | None:
    """Find an asset by its file name."""
    path = FOLDER / name
    is_ours = Path(name).name == name and path.suffix in KINDS
    return path if is_ours and path.is_file() else None


def read(name: str) -> str:
    """Read an asset that is so small that it may travel with its component."""
    return (FOLDER / name).read_text(encoding="utf-8")


def bootstrap(name: str) -> str:
    """Write the few lines that have a component import its module from the server.

    A component's script travels in every message; this keeps it at two lines. It is a `blob:`
    module, which is why the address must be absolute.
    """
    address = json.dumps(url(name))
    return (
        f"const module = await import(new URL({address}, document.baseURI).href);\n"
        "export default module.default;\n"
    )
