"""The read-only addresses: what they send, what they refuse, and what may be kept."""

import json
from collections.abc import Iterator

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.datasets import catalog
from core.domain.items import Dataset, Item
from core.runs import curves
from core.store import files
from pages.parts import assets, server


@pytest.fixture
def client() -> Iterator[TestClient]:
    """Give a client of our routes and middleware, without pages and without the lifespan."""
    parts = server.build(extra_hosts=("testserver",))
    with TestClient(Starlette(routes=parts["routes"], middleware=parts["middleware"])) as opened:
        yield opened


@pytest.fixture
def item(pets: Dataset) -> Item:
    return catalog.list_items(pets.id).items[0]


def test_a_thumbnail_is_a_jpeg_that_may_be_kept_for_ever(client, item):
    answer = client.get(f"/thumb/{item.content_hash}/256")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'"


def test_a_thumbnail_that_the_browser_has_is_not_sent_again(client, item):
    etag = client.get(f"/thumb/{item.content_hash}/256").headers["etag"]

    again = client.get(f"/thumb/{item.content_hash}/256", headers={"if-none-match": etag})

    assert (again.status_code, again.content) == (304, b"")


def test_a_missing_large_thumbnail_is_made_on_demand(client, item):
    path = files.thumbnail(str(item.content_hash), 1280)
    existed = path.exists()

    answer = client.get(f"/thumb/{item.content_hash}/1280")

    assert not existed
    assert answer.status_code == 200
    with Image.open(path) as image:
        assert image.size == (item.width_px, item.height_px)


@pytest.mark.parametrize(
    "address",
    [
        "/thumb/../256",
        "/thumb/ZZ/256",
        "/thumb/%2e%2e%2f%2e%2e%2fetc/256",
        "/thumb/0123456789abcdef0123456789abcdef/256",
        "/thumb/0123456789abcdef0123456789abcdef/257",
        "/thumb/0123456789abcdef0123456789abcdef/big",
        "/preview/nothing/x.jpg",
        "/preview/0123456789abcdef01234567/..%2fresult.json",
        "/api/runs/nothing/steps",
        "/api/lr/nothing/points",
        f"/assets/ui/{assets.version()}/errors.py",
        f"/assets/ui/{assets.version()}/..%2f..%2fapp.py",
    ],
)
def test_what_is_not_there_or_not_meant_is_not_found(client, address):
    assert client.get(address).status_code == 404


def test_a_foreign_host_is_refused(client):
    answer = client.get("/assets/plotly.min.js", headers={"host": "evil.example"})

    assert answer.status_code == 400


def test_nothing_can_be_written_through_the_routes(client):
    answer = client.post("/api/runs/run-1/steps")

    assert answer.status_code == 405


def test_a_position_that_is_no_number_is_refused(client):
    answer = client.get("/api/runs/run-1/steps?since=-1")

    assert answer.status_code == 400
    assert "'-1'" in answer.json()["error"]


def test_a_loss_that_is_not_a_number_becomes_a_gap(client, monkeypatch):
    answer = {"n": 1, "rows": {"loss": [1.0, float("nan"), float("inf")]}, "done": False}
    monkeypatch.setattr(curves, "get", lambda run_id, *, since: answer)
    routes = server.build(extra_hosts=("testserver",))["routes"]
    endpoint = next(route for route in routes if route.path == "/api/runs/{run_id}/steps")

    sent = TestClient(Starlette(routes=[endpoint])).get("/api/runs/run-1/steps")

    assert json.loads(sent.text)["rows"]["loss"] == [1.0, None, None]


def test_our_scripts_may_be_kept_only_under_their_own_version(client):
    current = client.get(assets.url("gallery.js"))
    other = client.get("/assets/ui/old/gallery.js")

    assert "immutable" in current.headers["cache-control"]
    assert current.headers["content-type"].startswith("text/javascript")
    assert other.headers["cache-control"] == "no-store"


def test_plotly_comes_from_the_installed_package(client):
    answer = client.get("/assets/plotly.min.js")

    assert answer.status_code == 200
    assert b"plotly.js v" in answer.content[:200]
