"""The live chart in a real browser: it follows a run, and keeps the zoom while it does."""

import secrets
from dataclasses import dataclass

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from core.store import clock, database, schema
from tests import builders
from tests.browser.conftest import settle

pytestmark = pytest.mark.browser
POINTS = (
    "() => Math.max(...[...document.querySelectorAll('.live-panel')]"
    ".map(panel => panel.data?.[0]?.x.length || 0))"
)


@dataclass(frozen=True, kw_only=True)
class Chart:
    """The tab with a chart, and the run that it follows."""

    page: Page
    run_id: str


def add_steps(run_id: str, first: int, number: int) -> None:
    rows = [
        {
            "run_id": run_id,
            "step": step,
            "stage": 0,
            "loss": 2.0 / (step + 1),
            "smooth_loss": 2.0 / (step + 1),
            "lr": 1e-3,
            "momentum": 0.9,
            "seconds": step / 10,
        }
        for step in range(first, first + number)
    ]
    with database.writing() as connection:
        connection.execute(sa.insert(schema.steps), rows)
        mine = sa.update(schema.runs).where(schema.runs.c.id == run_id)
        connection.execute(mine.values(heartbeat_at=clock.now()))


@pytest.fixture
def chart(page: Page, server: str) -> Chart:
    """Open the page of a run that is under way and has twenty steps."""
    names = [f"{n}.jpg" for n in range(8)]
    own = secrets.token_hex(4)
    described = {"dataset_id": f"d-{own}", "split_id": f"s-{own}"}
    builders.insert_dataset({"cat": names, "dog": names}, **described)
    now = clock.now()
    run_id = builders.insert_run(
        f"run-{own}", status="running", started_at=now, heartbeat_at=now, **described
    )
    add_steps(run_id, 0, 20)
    page.goto(f"{server}/train?dataset=d-{own}&run={run_id}")
    page.wait_for_function(f"({POINTS})() === 20", timeout=30_000)
    settle(page)
    return Chart(page=page, run_id=run_id)


def test_new_steps_arrive_without_a_rerun(chart):
    add_steps(chart.run_id, 20, 30)

    chart.page.wait_for_function(f"({POINTS})() === 50", timeout=10_000)


def test_the_zoom_survives_updates(chart):
    zoom = "() => Plotly.relayout(document.querySelector('.live-panel'), {'xaxis.range': [3, 9]})"
    read = "() => document.querySelector('.live-panel').layout.xaxis.range.map(Math.round)"
    chart.page.evaluate(zoom)

    add_steps(chart.run_id, 20, 30)
    chart.page.wait_for_function(f"({POINTS})() === 50", timeout=10_000)

    assert chart.page.evaluate(read) == [3, 9]


def test_it_stops_asking_when_the_run_has_ended(chart):
    with database.writing() as connection:
        mine = sa.update(schema.runs).where(schema.runs.c.id == chart.run_id)
        connection.execute(mine.values(status="finished"))
    expect(chart.page.locator(".live-facts")).to_contain_text("finished", timeout=10_000)
    asked: list[str] = []
    chart.page.on("request", lambda request: asked.append(request.url))

    add_steps(chart.run_id, 20, 5)
    chart.page.wait_for_timeout(2_500)  # three times the polling interval: nothing may come

    assert [url for url in asked if "/steps" in url] == []


def test_axes_have_names_and_what_is_empty_or_constant_is_drawn_as_such(chart):
    read = """() => [...document.querySelectorAll('.live-panel')].map(({ layout }) => ({
        x: layout.xaxis.title.text,
        visible: layout.xaxis.visible !== false,
        words: layout.annotations.map((one) => one.text),
        right: layout.yaxis2 ? layout.yaxis2.range : null,
    }))"""

    loss, metrics, rate = chart.page.evaluate(read)

    assert (loss["x"], metrics["x"], rate["x"]) == ("batch", "epoch", "batch")
    assert [loss["visible"], metrics["visible"], rate["visible"]] == [True, False, True]
    assert metrics["words"] == ["nothing yet"]
    assert rate["right"] == pytest.approx([0.855, 0.945])
