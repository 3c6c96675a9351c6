"""How labels are read: the choice of a labeller, its settings, and what it makes of some files."""

import hashlib
from pathlib import Path

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from core.datasets import labelling
from core.datasets.labelling import Preview, guessing
from core.domain import labellers
from core.domain.errors import LabellerError, WinnowError
from core.domain.labellers import (
    FolderLabeller,
    GrandparentLabeller,
    Labeller,
    PatternLabeller,
    TableLabeller,
)
from pages.parts import errors, text

KINDS = {
    "folder": "Sub-folders",
    "grandparent": "train / valid folders",
    "pattern": "Name pattern",
    "table": "Table",
}
ABOUT = {
    "folder": "The class of an image is the sub-folder that it lies in: `photos/cat/1.jpg` is a "
    "cat.",
    "grandparent": "Folders `train`, `valid` (or `val`) and `test` hold the class folders: the "
    "split is then the given one, and is never drawn anew.",
    "pattern": "The class is a part of the file's name, found by a regular expression.",
    "table": "A CSV, TSV or text file says the class of each image, or several labels.",
}
OWN = "A pattern of your own"
OTHER = "Another file …"
DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar", " ": "blank"}
SEPARATORS = {None: "one label an image", " ": "blank", ";": "semicolon", ",": "comma", "|": "bar"}
MOST_ROWS = 300


def show(root: str, *, known: Labeller | None = None) -> Labeller | None:
    """Draw the form for a folder, and the preview; None where it is not complete yet."""
    first = known or _guess(root)
    key = _key(root)
    kind = st.segmented_control(
        "Labels come from",
        list(KINDS),
        format_func=KINDS.__getitem__,
        default=first.kind,
        key=f"{key}-kind",
        required=True,
    )
    st.caption(ABOUT[kind])
    try:
        labeller = _settings(kind, root, first, key)
        if labeller is not None and labellers.is_multi_label(labeller):
            st.info(
                "An image may have several labels here, or none: a run gives each label a "
                "probability of its own.",
                icon=":material/label:",
            )
        if labeller is not None:
            _preview(labelling.preview(labeller, root, most=MOST_ROWS))
    except WinnowError as error:
        st.error(errors.explain(error), icon=":material/error:")
        return None
    return labeller


def guess(root: str) -> Labeller:
    """Choose the labeller of a folder that is opened without a look at the form."""
    return _guess(root)


def _key(root: str) -> str:
    return (
        f"labeller-{hashlib.blake2b(root.encode('utf-8', 'replace'), digest_size=6).hexdigest()}"
    )


def _guess(root: str) -> Labeller:
    """Look once a session: widgets begin with a guess, which must not change under them."""
    kept: dict[str, Labeller] = st.session_state.setdefault("labeller_form.guesses", {})
    if root not in kept:
        kept[root] = labelling.guess(root)
    return kept[root]


def _settings(kind: str, root: str, first: Labeller, key: str) -> Labeller | None:
    if kind == "folder":
        return FolderLabeller()
    if kind == "grandparent":
        return GrandparentLabeller()
    if kind == "pattern":
        return _pattern(first if isinstance(first, PatternLabeller) else None, key)
    return _table(root, first if isinstance(first, TableLabeller) else None, key)


def _pattern(first: PatternLabeller | None, key: str) -> PatternLabeller | None:
    presets = labelling.PRESETS
    names = [*presets, OWN]
    start = next((name for name in presets if presets[name] == first), OWN if first else names[0])
    chosen = st.selectbox("Pattern", names, index=names.index(start), key=f"{key}-preset")
    base = presets.get(chosen) or first or next(iter(presets.values()))
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        typed = st.text_input(
            "Regular expression; its first group is the class",
            base.pattern,
            key=f"{key}-pattern-{chosen}",
        )
    with right:
        where = st.selectbox(
            "Searched in",
            ("name", "path"),
            index=("name", "path").index(base.on),
            format_func={"name": "the file's name", "path": "its whole path"}.__getitem__,
            key=f"{key}-on-{chosen}",
        )
    if not typed:
        return None
    return PatternLabeller(pattern=typed, on=where)


def _table(root: str, first: TableLabeller | None, key: str) -> TableLabeller | None:
    found = labelling.find_tables(Path(root))
    names = [*found, OTHER]
    start = first.table if first is not None and first.table in found else names[0]
    chosen = st.selectbox("File", names, index=names.index(start), key=f"{key}-table")
    if chosen == OTHER:
        chosen = st.text_input(
            "Path of the table", key=f"{key}-table-path", placeholder="/home/me/labels.csv"
        ).strip()
        if not chosen:
            st.caption("Name a CSV, TSV or text file on the machine where Winnow runs.")
            return None
    base = first if first is not None and first.table == chosen else _guess_table(root, chosen)
    return _columns(root, base, f"{key}-{chosen}")


def _guess_table(root: str, name: str) -> TableLabeller:
    kept: dict[tuple[str, str], TableLabeller]
    kept = st.session_state.setdefault("labeller_form.tables", {})
    if (root, name) not in kept:
        kept[root, name] = guessing.for_table(root, name)
    return kept[root, name]


def _columns(root: str, base: TableLabeller, key: str) -> TableLabeller:
    """Draw which column means what."""
    path = Path(root) / Path(base.table).expanduser()
    a, b, c = st.columns(3, vertical_alignment="bottom")
    with a:
        delimiter = _choice("Columns are parted by", DELIMITERS, base.delimiter, f"{key}-cut")
    with b:
        separator = _choice("Labels in a cell", SEPARATORS, base.separator, f"{key}-separator")
    with c:
        has_header = st.toggle("The first row is a header", base.has_header, key=f"{key}-header")
    head = labelling.head(path, delimiter=delimiter, has_header=has_header)
    key = f"{key}-{delimiter}-{has_header}"
    a, b, c = st.columns(3)
    with a:
        file_column = _column("File name", head.columns, base.file_column, 0, key)
    with b:
        label_column = _column("Label", head.columns, base.label_column, -1, key)
    with c:
        part_column = st.selectbox(
            "Part (train, valid, test)",
            head.columns,
            index=_position(head.columns, base.part_column),
            placeholder="none: the split is drawn",
            key=f"{key}-part",
        )
    a, b = st.columns(2)
    with a:
        folder = st.text_input("Folder before each name", base.folder, key=f"{key}-folder")
    with b:
        suffix = st.text_input("Ending behind each name", base.suffix, key=f"{key}-suffix")
    return _checked(
        table=base.table,
        delimiter=delimiter,
        has_header=has_header,
        separator=separator,
        file_column=file_column,
        label_column=label_column,
        part_column=part_column,
        folder=folder.strip(),
        suffix=suffix.strip(),
    )


def _checked(**values: object) -> TableLabeller:
    try:
        return TableLabeller.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise LabellerError(
            f"The table cannot be read so: {first['msg']}.", hint="Change the settings above."
        ) from error


def _choice(label: str, options: dict, value: object, key: str) -> str | None:
    known = list(options) if value in options else [*options, value]
    return st.selectbox(
        label,
        known,
        index=known.index(value),
        format_func=lambda one: options.get(one, repr(one)),
        key=key,
    )


def _column(label: str, columns: tuple[str, ...], value: str, other: int, key: str) -> str:
    at = columns.index(value) if value in columns else range(len(columns))[other]
    return st.selectbox(label, columns, index=at, format_func=text.plain, key=f"{key}-{label}")


def _position(columns: tuple[str, ...], value: str | None) -> int | None:
    return columns.index(value) if value in columns else None


def _preview(found: Preview) -> None:
    st.markdown(_in_words(found))
    rows = [
        {
            "file": text.plain(row.path),
            "label": text.plain(", ".join(row.labels)) or ("" if row.reason else "no label"),
            "part": row.part or "",
            "left out because": row.reason or "",
        }
        for row in found.rows
    ]
    table = pd.DataFrame(rows, columns=["file", "label", "part", "left out because"])
    if not found.n_by_part:
        table = table.drop(columns="part")
    if found.n_labelled == len(found.rows):
        table = table.drop(columns="left out because")
    if rows:
        st.dataframe(table, hide_index=True, height=min(280, 38 + 35 * len(rows)))
    if found.problems:
        with st.expander(f"Odd rows of the table: {len(found.problems):,}"):
            odd = [(one.line, text.plain(one.content), one.reason) for one in found.problems[:200]]
            st.dataframe(pd.DataFrame(odd, columns=["line", "row", "reason"]), hide_index=True)


def _in_words(found: Preview) -> str:
    if not found.rows:
        return ":orange[There is no image file in this folder.]"
    number = text.count(len(found.rows), "file")
    words = f"{'All' if found.is_all else 'Of the first'} {number}: "
    if not found.n_labelled:
        return f"{words}:orange[none would have a label. Try another way to read them above.]"
    classes = text.count(len(found.n_by_class), "class", "classes")
    shown = ", ".join(text.escape(text.shorten(one, 24)) for one in found.classes[:8])
    more = ", …" if len(found.classes) > 8 else ""
    n_labelled = found.n_labelled - found.n_unlabelled
    words += f"**{n_labelled:,}** with a label, **{classes}** ({shown}{more})."
    if found.n_unlabelled:
        words += f" {found.n_unlabelled:,} with a row, but no label."
    if found.n_without_file:
        words += f" :orange[{text.count(found.n_without_file, 'row')} without a file.]"
    if found.n_labelled < len(found.rows):
        words += f" :orange[{len(found.rows) - found.n_labelled:,} would be left out.]"
    return words
