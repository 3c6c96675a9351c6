"""What to predict, with which model, and the button that starts it."""

from collections.abc import Sequence

import streamlit as st

from core.datasets import archives, images
from core.domain.errors import WinnowError
from core.domain.recipes import Tta
from core.domain.runs import Run, Task
from core.runs import predictions
from pages.parts import errors, folder_dialog, state, text

PREDICTION = "prediction"  # in the address: the task whose predictions are shown
WAY, MODEL = "predict-way", "predict-model"
FOLDER, ARCHIVE = "predict-folder", "predict-archive"
VIEWS, N_VIEWS, BETA = "predict-tta", "predict-tta-n", "predict-tta-beta"
BROWSING = "predict_form.browsing"
N_STARTED = "predict_form.n_started"  # empties the fields of uploads once they are taken
WAYS = {"images": "Images", "folder": "Folder", "archive": "Archive"}
ARCHIVE_ENDINGS = ("zip", "tar", "tgz", "gz", "bz2", "xz")


def show(models: Sequence[Run]) -> None:
    """Draw the form for the runs that have left a model."""
    with st.container(border=True):
        left, right = st.columns([3, 2], gap="large")
        with left:
            way = st.segmented_control(
                "Images come from",
                list(WAYS),
                format_func=WAYS.__getitem__,
                default="images",
                required=True,
                key=WAY,
            )
            {"images": _images, "folder": _folder, "archive": _archive}[way]()
        with right:
            run_id = _model(models)
            _views()
            st.button(
                "Predict",
                type="primary",
                icon=":material/play_arrow:",
                on_click=_start,
                args=(way, run_id),
            )


def _images() -> None:
    st.file_uploader(
        "Drop images here",
        type=sorted(ending.removeprefix(".") for ending in images.IMAGE_SUFFIXES),
        accept_multiple_files=True,
        max_upload_size=images.MAX_BYTES // 1024**2,
        key=_upload_key("images"),
    )


def _folder() -> None:
    if folder_dialog.CHOSEN in st.session_state:  # a widget's value may be set only before it
        st.session_state[FOLDER] = st.session_state.pop(folder_dialog.CHOSEN)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input(
            "Folder",
            key=FOLDER,
            placeholder="/home/me/new-photos",
            help="The full path of a folder on the machine where Winnow runs. Its images are "
            "read, never changed; those in sub-folders named as the classes are scored.",
        )
        st.button("Browse…", icon=":material/folder:", on_click=_browse)
    if st.session_state.pop(BROWSING, False):
        folder_dialog.show(st.session_state[FOLDER])


def _archive() -> None:
    st.text_input(
        "Archive",
        key=ARCHIVE,
        placeholder="/home/me/new-photos.zip",
        help="The full path of a zip or tar on the machine where Winnow runs.",
    )
    st.file_uploader(
        "or upload one from this computer", type=ARCHIVE_ENDINGS, key=_upload_key("archive")
    )


def _upload_key(name: str) -> str:
    return f"predict-upload-{name}-{st.session_state.get(N_STARTED, 0)}"


@errors.callback
def _browse() -> None:
    st.session_state[BROWSING] = True


def _model(models: Sequence[Run]) -> str:
    by_id = {run.id: run for run in models}
    wanted = state.find_run_id()
    current = wanted if wanted in by_id else models[0].id
    if wanted != current:  # else another would be shown as soon as a newer run ends
        state.choose_run(current)
    names = text.distinct({run.id: run.name for run in reversed(models)})
    labels = {run.id: f"{names[run.id]}{_accuracy(run)}" for run in models}
    key = f"{MODEL}-{current}"
    return st.selectbox(
        "Model of the run",
        list(by_id),
        index=list(by_id).index(current),
        format_func=labels.__getitem__,
        key=key,
        on_change=_run_chosen,
        args=(key,),
    )


def _accuracy(run: Run) -> str:
    accuracy = run.metrics.get("accuracy")
    return f" · accuracy {accuracy:.1%}" if accuracy is not None else ""


@errors.callback
def _run_chosen(key: str) -> None:
    state.choose_run(st.session_state[key])


def _views() -> None:
    usual = Tta()
    on = st.toggle(
        "Test-time augmentation",
        key=VIEWS,
        help="Each image is also predicted in a few varied views, as in training, and the answers "
        "are averaged. Often a little more accurate, and slower by the number of views.",
    )
    if not on:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input("Varied views", 1, 64, value=usual.n, key=N_VIEWS, width=140)
        st.slider(
            "Weight of the plain view",
            0.0,
            1.0,
            value=usual.beta,
            step=0.05,
            key=BETA,
            help="fastai's beta: 0.25 is its default.",
        )


@errors.callback
def _start(way: str, run_id: str) -> None:
    views = None
    if st.session_state.get(VIEWS):
        views = Tta(n=int(st.session_state[N_VIEWS]), beta=float(st.session_state[BETA]))
    task = _STARTS[way](run_id, views)
    st.query_params[PREDICTION] = task.id
    st.session_state[N_STARTED] = st.session_state.get(N_STARTED, 0) + 1


def _start_images(run_id: str, views: Tta | None) -> Task:
    given = st.session_state.get(_upload_key("images")) or []
    return predictions.of_uploads(run_id, [(one.name, one) for one in given], views=views)


def _start_folder(run_id: str, views: Tta | None) -> Task:
    return predictions.of_folder(run_id, st.session_state[FOLDER], views=views)


def _start_archive(run_id: str, views: Tta | None) -> Task:
    upload = st.session_state.get(_upload_key("archive"))
    if upload is None:
        return predictions.of_archive(run_id, st.session_state[ARCHIVE], views=views)
    kept = str(archives.save_upload(upload.name, upload))
    try:
        return predictions.of_archive(run_id, kept, views=views)
    except WinnowError:
        archives.drop_upload(kept)
        raise


_STARTS = {"images": _start_images, "folder": _start_folder, "archive": _start_archive}
