"""What a run got wrong, and the images behind it: click the bad ones away, then retrain."""

from collections.abc import Sequence

import streamlit as st

from core.datasets import catalog
from core.domain.items import Dataset
from core.domain.runs import Run
from core.review import confusion, predictions, scores, top_losses, verdict
from core.review.predictions import Predictions
from core.review.top_losses import TopLoss
from core.runs import runs
from pages.parts import errors, gallery, look, run_charts, state, text, toolbar
from pages.parts.gallery import Tile

A_PAGE = 48
MOST_IN_CELL = 200


def show() -> None:
    """Draw the page for the run in the address, or the newest that has predictions."""
    dataset = toolbar.show()
    st.title("Interpret", anchor=False)
    trained = [run for run in runs.list_runs(dataset.id) if predictions.exist(run.id)]
    if not trained:
        st.info("No run has finished yet: train one first.", icon=":material/school:")
        state.link("train", "Train", icon="arrow_forward")
        return
    if _is_without_predictions(dataset, trained):
        return
    run = _choose(trained)
    found = _load(run.id)
    _summary(dataset, run, found)
    worst, matrix, by_class = st.tabs(["Top losses", "Confusion", "Classes"], key="interpret-tab")
    with worst:
        _top_losses(dataset, run)
    with matrix:
        _confusion(dataset, run, found)
    with by_class:
        _classes(found)


@st.cache_data(max_entries=8, show_spinner=False)
def _load(run_id: str) -> Predictions:
    return predictions.load(run_id)


@st.cache_data(max_entries=8, show_spinner=False)
def _ranked(run_id: str, part: str) -> list[TopLoss]:
    return top_losses.of_valid(run_id) if part == "valid" else top_losses.of_train(run_id)


def _is_without_predictions(dataset: Dataset, trained: list[Run]) -> bool:
    """Say so where the run in the address has left nothing to interpret."""
    run_id = state.find_run_id()
    if run_id is None or run_id in {run.id for run in trained}:
        return False
    run = runs.get(run_id)
    if run.dataset_id != dataset.id:
        return False
    st.info(
        f"The run {text.escape(run.name)} is {run.status} and has left no predictions.",
        icon=":material/hourglass_empty:",
    )
    with st.container(horizontal=True):
        state.link("train", "See how it went", icon="show_chart", run=run.id)
        state.link(
            "interpret", "Interpret the newest that has", icon="troubleshoot", run=trained[0].id
        )
    return True


def _choose(trained: list[Run]) -> Run:
    by_id = {run.id: run for run in trained}
    wanted = state.find_run_id()
    current = wanted if wanted in by_id else trained[0].id
    key = f"interpret-run-{current}"
    names = text.distinct({run.id: run.name for run in trained})
    labels = {run.id: f"{names[run.id]}{_score(run)}" for run in trained}
    chosen = st.selectbox(
        "Run",
        list(by_id),
        index=list(by_id).index(current),
        format_func=labels.__getitem__,
        key=key,
        on_change=_run_chosen,
        args=(key,),
        label_visibility="collapsed",
        width=480,
    )
    return by_id[chosen]


def _score(run: Run) -> str:
    accuracy = run.metrics.get("accuracy")
    score = f", accuracy {accuracy:.1%}" if accuracy is not None else ""
    return f" · revision {run.revision}{score}"


@errors.callback
def _run_chosen(key: str) -> None:
    state.choose_run(st.session_state[key])


def _summary(dataset: Dataset, run: Run, found: Predictions) -> None:
    values = scores.overall(found)
    with st.container(horizontal=True):
        st.metric("Accuracy", f"{values['accuracy']:.1%}", border=True)
        st.metric("Error rate", f"{values['error_rate']:.1%}", border=True)
        if "top_5_accuracy" in values:
            st.metric("Top-5 accuracy", f"{values['top_5_accuracy']:.1%}", border=True)
        st.metric("Valid loss", f"{values['valid_loss']:.3f}", border=True)
    st.caption(
        f"On {len(found.item_id):,} validation images with the labels of revision {run.revision}."
    )
    st.markdown(verdict.sentence(runs.list_epochs(run.id)))
    _retrain(dataset.id, run.id)


@st.fragment(key="retrain")
@errors.boundary()
def _retrain(dataset_id: str, run_id: str) -> None:
    state.listen("retrain")
    run, revision = runs.get(run_id), catalog.get(dataset_id).revision
    changed = revision != run.revision
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(
            "Retrain on the cleaned data" if changed else "Retrain",
            type="primary" if changed else "secondary",
            icon=":material/replay:",
            help="The same recipe, split, subset and seed, on the images and labels as now.",
        )
        if changed:
            st.caption(
                f"The dataset is at revision {revision}; this run was trained on {run.revision}."
            )
        else:
            st.caption("Nothing was changed since this run: it would give the same losses again.")
    if clicked:
        started = runs.retrain(run_id)
        state.go("train", run=started.id)


def _top_losses(dataset: Dataset, run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = st.segmented_control(
            "Part", ["valid", "train"], default="valid", required=True, key="top-losses-part"
        )
        confused = st.toggle(
            "Only those taken for another class", value=part == "train", key=f"only-wrong-{part}"
        )
    st.caption(PART_WORDS[part])
    ranked = [one for one in _ranked(run.id, part) if one.pred != one.label or not confused]
    if not ranked:
        st.success("None: every image of this part was given its own class.")
        return
    n_pages = -(-len(ranked) // A_PAGE)
    page = st.pagination(n_pages, key=f"top-losses-page-{part}") if n_pages > 1 else 1
    shown = ranked[(page - 1) * A_PAGE : page * A_PAGE]
    _losses_gallery(dataset.id, run.id, part, shown)


PART_WORDS = {
    "valid": "The validation images the kept weights got most wrong, as fastai's top losses.",
    "train": "The train images by their loss while training, averaged over the epochs but the "
    "first: mislabelled images come first. (The final weights' own losses hide the mistakes they "
    "have memorised.)",
}


def _losses_gallery(dataset_id: str, run_id: str, part: str, shown: Sequence[TopLoss]) -> None:
    items = catalog.get_items([one.item_id for one in shown], split_id=None)
    tiles = [
        gallery.tile(items[one.item_id], caption=_caption(one), suggestion=_suggestion(one))
        for one in shown
        if one.item_id in items
    ]
    _gallery(dataset_id, tiles, key=f"losses-{run_id}-{part}")


def _caption(one: TopLoss) -> str:
    return (
        f"{one.label} → {one.pred}\n"
        f"loss {one.loss:.2f} · {one.probability:.0%} {one.pred}, {one.label_probability:.0%} own"
    )


def _suggestion(one: TopLoss) -> str | None:
    return one.pred if one.pred != one.label else None


def _gallery(dataset_id: str, tiles: Sequence[Tile], *, key: str) -> None:
    gallery.show(
        dataset_id,
        tiles,
        key=key,
        classes=catalog.classes(dataset_id),
        staged=True,
        tile_px=220,
    )


def _confusion(dataset: Dataset, run: Run, found: Predictions) -> None:
    left, right = st.columns([3, 2], gap="large")
    with right:
        cell = _most_confused(run.id, found)
    with left:
        cell = _matrix(run.id, found) or cell
    if cell is None:
        st.caption("Click a cell, or choose a pair, to see its images.")
        return
    label, pred = cell
    ids = confusion.cell_items(found, label=label, pred=pred)
    st.subheader(
        f"{text.escape(label)} taken for {text.escape(pred)}: {text.count(len(ids), 'image')}",
        anchor=False,
    )
    by_id = {one.item_id: one for one in _ranked(run.id, "valid")}
    _losses_gallery(dataset.id, run.id, "cell", [by_id[item] for item in ids[:MOST_IN_CELL]])


def _matrix(run_id: str, found: Predictions) -> tuple[str, str] | None:
    if len(found.classes) > run_charts.MOST_DRAWN_CLASSES:
        st.info(
            f"{len(found.classes)} classes are too many to draw as a matrix: "
            "use the list of the most confused pairs."
        )
        return None
    figure = run_charts.confusion(confusion.matrix(found), found.classes)
    event = st.plotly_chart(
        look.calm(figure),
        on_select="rerun",
        selection_mode="points",
        key=f"confusion-matrix-{run_id}",
        config={"displayModeBar": False},
    )
    points = event.selection.points
    if not points:
        return None
    row, column = points[0]["customdata"][:2]
    return found.classes[int(row)], found.classes[int(column)]


def _most_confused(run_id: str, found: Predictions) -> tuple[str, str] | None:
    st.markdown("**Most confused**")
    least = st.number_input("At least this many images", 1, 1000, value=2, key="min-count")
    pairs = confusion.most_confused(found, min_count=int(least))
    if not pairs:
        st.caption("No pair of classes is confused that often.")
        return None
    rows = {
        "actual": [text.plain(pair.label) for pair in pairs],
        "predicted": [text.plain(pair.pred) for pair in pairs],
        "images": [pair.count for pair in pairs],
    }
    event = st.dataframe(
        rows,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"most-confused-{run_id}-{least}",  # a kept selection must not outlive its rows
        height=min(420, 35 * (len(pairs) + 1) + 3),
    )
    chosen = event.selection.rows
    return (pairs[chosen[0]].label, pairs[chosen[0]].pred) if chosen else None


def _classes(found: Predictions) -> None:
    table = scores.per_class(found).sort_values("f1")
    percent = st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
    st.dataframe(
        table,
        hide_index=True,
        column_config=dict.fromkeys(("precision", "recall", "f1"), percent)
        | {"n_valid": "valid images", "label": "class"},
        height=min(700, 38 * (len(table) + 1)),
    )
    st.caption(
        "Precision: of the images given this class, the share that has it. Recall: of the images "
        "that have it, the share that was given it. F1: their harmonic mean. Worst first."
    )


show()
