"""Labels are read from folders, patterns and tables, and guessed from what lies in a folder."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.datasets import labelling
from core.datasets.labelling import Label, Table, guessing, previewing, table
from core.domain.errors import LabellerError
from core.domain.labellers import (
    FolderLabeller,
    GrandparentLabeller,
    PatternLabeller,
    TableLabeller,
)
from tests.datasets import corpus

PHOTO = corpus.jpeg(1)
PETS = PatternLabeller(pattern=r"^(.+)_\d+\.jpg$")
QUICK = settings(max_examples=60, deadline=None)


def put_all(root: Path, *paths: str) -> Path:
    """Write the same small photo to every path."""
    for path in paths:
        corpus.put(root / path, PHOTO)
    return root


def labels_csv(root: Path, content: str | bytes, name: str = "labels.csv") -> Path:
    """Write a table into a folder."""
    raw = content.encode() if isinstance(content, str) else content
    return corpus.put(root / name, raw)


@pytest.mark.parametrize(
    ("labeller", "path", "expected"),
    [
        (FolderLabeller(), "cat/2024/a.jpg", Label("cat")),
        (FolderLabeller(), "loose.jpg", "not in a class folder"),
        (GrandparentLabeller(), "train/cat/a.jpg", Label("cat", "train")),
        (GrandparentLabeller(), "VAL/cat/deep/a.jpg", Label("cat", "valid")),
        (GrandparentLabeller(), "validation/cat/a.jpg", Label("cat", "valid")),
        (GrandparentLabeller(), "testing/dog/a.jpg", Label("dog", "test")),
        (GrandparentLabeller(), "extra/cat/a.jpg", "not below train, valid or test"),
        (GrandparentLabeller(), "test/17.jpg", "in test, but in no class folder"),
        (GrandparentLabeller(), "train.jpg", "not below train, valid or test"),
        (PETS, "images/great_pyrenees_173.jpg", Label("great_pyrenees")),
        (PETS, "images/readme.jpg", "not matched by the pattern"),
        (
            PatternLabeller(pattern=r"^([a-z]*)", on="path"),
            "9.jpg",
            "matched with a class that cannot be one",
        ),
        (PatternLabeller(pattern=r"([^/]+)/[^/]+$", on="path"), "a/b/c.jpg", Label("b")),
    ],
)
def test_a_labeller_reads_a_path(labeller, path: str, expected: Label | str) -> None:
    found = labelling.reader(labeller, "/nowhere").read(path)

    assert found == expected


@pytest.mark.parametrize("preset", labelling.PRESETS)
def test_every_preset_reads_its_own_example(preset: str) -> None:
    example = preset.rpartition(": ")[2] if ":" in preset else "cat/1.jpg"
    wanted = {
        "great_pyrenees_173.jpg": "great_pyrenees",
        "cat.4001.jpg": "cat",
        "oak-leaf-3.jpg": "oak",
        "daisy_a.jpg": "daisy",
        "dog12.jpg": "dog",
        "cat/1.jpg": "cat",
    }

    found = labelling.reader(labelling.PRESETS[preset], "").read(example)

    assert found == Label(wanted[example])


@pytest.mark.parametrize(
    ("pattern", "words"),
    [("(", "no regular expression"), (r"^\d+$", "has no group"), ("[a", "no regular expression")],
)
def test_a_pattern_that_names_no_class_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(LabellerError, match=words):
        labelling.reader(PatternLabeller(pattern=pattern), "")


def test_a_pattern_that_never_ends_is_cut_off_with_the_file_named() -> None:
    labels = labelling.reader(PatternLabeller(pattern=r"^((a|aa)+)+\$$"), "")

    with pytest.raises(LabellerError, match=r"takes too long on a{60}!"):
        labels.read("a" * 60 + "!.jpg")


def test_a_table_gives_labels_parts_and_its_odd_rows_with_their_lines(tmp_path: Path) -> None:
    labels_csv(
        tmp_path,
        "name,kind,is_valid\n"
        "a.jpg,cat,False\n"
        "b.jpg,dog,True\n"
        "c.jpg\n"
        ",cat,False\n"
        "d.jpg,,False\n"
        "e.jpg,cat,perhaps\n"
        "\n"
        "a.jpg,dog,False\n"
        "a.jpg,cat,False\n"
        "./sub\\f.jpg, cat ,\n",
    )
    labeller = TableLabeller(
        table="labels.csv", file_column="name", label_column="kind", part_column="is_valid"
    )

    found = labelling.reader(labeller, str(tmp_path))

    assert isinstance(found, Table)
    assert found.labels == {
        "a.jpg": Label("cat", "train"),
        "b.jpg": Label("dog", "valid"),
        "sub/f.jpg": Label("cat", None),
    }
    assert [(one.line, one.reason) for one in found.problems] == [
        (4, "has 1 of the columns, not 3"),
        (5, "names no file"),
        (6, "has no label"),
        (7, "has 'perhaps' as its part, not train, valid or test"),
        (9, "contradicts an earlier row of the same file"),
    ]
    assert (found.n_rows, found.n_problems) == (9, 5)
    assert found.read("z.jpg") == "without a row in the table"
    assert found.read("a.jpg") == Label("cat", "train")
    assert found.without_file() == ["b.jpg", "sub/f.jpg"]


def test_several_labels_are_sorted_and_joined_and_none_is_allowed(tmp_path: Path) -> None:
    labels_csv(tmp_path, "image_name,tags\nt_0,haze primary  haze\nt_1,\nt_2,a|b c\n")
    labeller = TableLabeller(
        table="labels.csv",
        file_column="image_name",
        label_column="tags",
        separator=" ",
        folder="train-jpg/",
        suffix=".jpg",
    )

    found = labelling.reader(labeller, str(tmp_path))

    assert found.read("train-jpg/t_0.jpg") == Label("haze|primary")
    assert found.read("train-jpg/t_1.jpg") == Label("")
    assert [one.reason for one in found.problems] == ["has the sign | in a label"]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffname;label\nä.jpg;Bär\n".encode(),
        "name;label\nä.jpg;Bär\n".encode("latin-1"),
        'name;label\r\nä.jpg;"Bär"\r\n'.encode(),
    ],
    ids=["bom", "latin-1", "quotes and CRLF"],
)
def test_tables_of_other_programs_are_read(tmp_path: Path, content: bytes) -> None:
    labels_csv(tmp_path, content)
    labeller = TableLabeller(
        table="labels.csv", delimiter=";", file_column="name", label_column="label"
    )

    found = labelling.reader(labeller, str(tmp_path))

    assert found.read("ä.jpg") == Label("Bär")


@pytest.mark.parametrize(
    ("content", "column", "words"),
    [
        (b"", "name", "is empty"),
        (b"\n \n", "name", "is empty"),
        (b"name,label\n\x00\x00", "name", "zero bytes"),
        (b"name,label\na.jpg,cat\n", "file", "no column 'file'"),
    ],
)
def test_what_is_no_table_is_refused_by_name(
    tmp_path: Path, content: bytes, column: str, words: str
) -> None:
    labels_csv(tmp_path, content)
    labeller = TableLabeller(table="labels.csv", file_column=column, label_column="label")

    with pytest.raises(LabellerError, match=words):
        labelling.reader(labeller, str(tmp_path))


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    labeller = TableLabeller(table="gone.csv", file_column="1", label_column="2")

    with pytest.raises(LabellerError, match=r"no table .*gone\.csv"):
        labelling.reader(labeller, str(tmp_path))


@QUICK
@given(content=st.binary(max_size=400), delimiter=st.sampled_from(",;\t| "))
def test_any_bytes_are_a_table_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, delimiter: str
) -> None:
    root = tmp_path_factory.mktemp("table")
    labels_csv(root, content)
    labeller = TableLabeller(
        table="labels.csv",
        delimiter=delimiter,
        has_header=False,
        file_column="1",
        label_column="2",
        separator=" ",
    )

    found: Table | LabellerError
    try:
        found = table.load(labeller, root)
    except LabellerError as error:
        found = error

    if isinstance(found, LabellerError):
        assert found.sentence.endswith(".")
        assert found.hint
    else:
        assert len(found.labels) + found.n_problems <= found.n_rows


@QUICK
@given(path=st.text(min_size=1, max_size=80), preset=st.sampled_from(list(labelling.PRESETS)))
def test_any_path_has_a_label_or_a_reason(path: str, preset: str) -> None:
    by_folder = labelling.reader(FolderLabeller(), "").read(path)
    by_parts = labelling.reader(GrandparentLabeller(), "").read(path)
    by_pattern = labelling.reader(labelling.PRESETS[preset], "").read(path)

    folders = path.split("/")[:-1]
    assert by_folder == (Label(folders[0]) if folders else "not in a class folder")
    assert isinstance(by_parts, str) or by_parts.label == folders[1]
    assert isinstance(by_pattern, str) or by_pattern.label == by_pattern.label.strip() != ""


def test_a_folder_a_class_is_guessed(tmp_path: Path) -> None:
    put_all(tmp_path, "cat/1.jpg", "dog/2.jpg", "loose.jpg")

    assert labelling.guess(str(tmp_path)) == FolderLabeller()


def test_folders_of_parts_are_guessed(tmp_path: Path) -> None:
    put_all(tmp_path, "train/cat/1.jpg", "train/dog/2.jpg", "val/cat/3.jpg")

    assert labelling.guess(str(tmp_path)) == GrandparentLabeller()


def test_two_classes_called_train_and_test_are_no_parts(tmp_path: Path) -> None:
    put_all(tmp_path, "train/1.jpg", "test/2.jpg")

    assert labelling.guess(str(tmp_path)) == FolderLabeller()


def test_the_pets_pattern_is_guessed(tmp_path: Path) -> None:
    put_all(
        tmp_path, *(f"images/{n}_{i}.jpg" for n in ("great_pyrenees", "Bengal") for i in (1, 2))
    )

    assert labelling.guess(str(tmp_path)) == next(iter(labelling.PRESETS.values()))


def test_a_table_of_several_labels_is_guessed_with_folder_and_suffix(tmp_path: Path) -> None:
    put_all(tmp_path, *(f"train/train_{at}.jpg" for at in range(6)))
    tags = ("haze primary", "clear primary", "clear water", "haze", "clear primary road", "road")
    rows = "".join(f"train_{at},{tag}\n" for at, tag in enumerate(tags))
    labels_csv(tmp_path, f"image_name,tags\n{rows}")

    found = labelling.guess(str(tmp_path))

    assert found == TableLabeller(
        table="labels.csv",
        file_column="image_name",
        label_column="tags",
        separator=" ",
        folder="train",
        suffix=".jpg",
    )


def test_a_table_without_a_header_and_with_parts_is_guessed(tmp_path: Path) -> None:
    put_all(tmp_path, *(f"{at}.jpg" for at in range(4)))
    labels_csv(tmp_path, "".join(f"{at}.jpg\t{'ab'[at % 2]}\n" for at in range(4)), "list.txt")

    found = labelling.guess(str(tmp_path))

    assert found == TableLabeller(
        table="list.txt", delimiter="\t", has_header=False, file_column="1", label_column="2"
    )


def test_the_separator_that_leaves_fewest_labels_is_guessed(tmp_path: Path) -> None:
    put_all(tmp_path, *(f"{at}.jpg" for at in range(6)))
    cells = ("a long tag;hat", "hat", "red;a long tag", "hat;red", "a long tag", "red;hat")
    rows = "".join(f"{at}.jpg,{cell}\n" for at, cell in enumerate(cells))
    labels_csv(tmp_path, f"file,tags\n{rows}")

    found = guessing.for_table(str(tmp_path), "labels.csv")

    assert found.separator == ";"


def test_a_column_is_valid_is_guessed_as_the_part(tmp_path: Path) -> None:
    put_all(tmp_path, *(f"train/{at}.jpg" for at in range(4)))
    rows = "".join(f"{at}.jpg,{'chair person' if at else 'person'},{at == 3}\n" for at in range(4))
    labels_csv(tmp_path, f"fname,labels,is_valid\n{rows}", "train.csv")

    found = guessing.for_table(str(tmp_path), "train.csv")

    assert (found.folder, found.part_column, found.separator) == ("train", "is_valid", " ")


def test_a_preview_shows_labels_parts_and_reasons_of_the_first_files(tmp_path: Path) -> None:
    put_all(tmp_path, "train/cat/1.jpg", "valid/dog/2.jpg", "other/dog/3.jpg")

    found = labelling.preview(GrandparentLabeller(), str(tmp_path))

    assert [(row.path, row.labels, row.part, row.reason) for row in found.rows] == [
        ("other/dog/3.jpg", (), None, "not below train, valid or test"),
        ("train/cat/1.jpg", ("cat",), "train", None),
        ("valid/dog/2.jpg", ("dog",), "valid", None),
    ]
    assert (found.n_labelled, found.n_by_class, found.is_all) == (2, {"cat": 1, "dog": 1}, True)


def test_a_preview_takes_some_files_of_every_folder(tmp_path: Path) -> None:
    put_all(tmp_path, *(f"{label}/{at}.jpg" for label in "abc" for at in range(5)))

    found = labelling.preview(FolderLabeller(), str(tmp_path), most=6)

    assert found.n_by_class == {"a": 2, "b": 2, "c": 2}
    assert not found.is_all


def test_a_look_reads_only_the_first_rows_of_a_long_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_all(tmp_path, "0.jpg", "7.jpg")
    labels_csv(tmp_path, "name,label\n" + "".join(f"{at}.jpg,cat\n" for at in range(9)))
    labeller = TableLabeller(table="labels.csv", file_column="name", label_column="label")
    monkeypatch.setattr(previewing, "MOST_ROWS", 3)

    found = labelling.preview(labeller, str(tmp_path))

    assert [row.reason for row in found.rows] == [
        None,
        "without a row among the first 3 of the table",
    ]


def test_an_open_quote_hides_no_other_row(tmp_path: Path) -> None:
    labels_csv(tmp_path, 'name,label\n0.jpg,a\n1.jpg,"b\n2.jpg,c\n3.jpg,d\n"4.jpg","e"\n')
    labeller = TableLabeller(table="labels.csv", file_column="name", label_column="label")

    found = table.load(labeller, tmp_path)

    assert found.n_rows == 5
    assert {path: label.label for path, label in found.labels.items()} == {
        "0.jpg": "a",
        "1.jpg": '"b',
        "2.jpg": "c",
        "3.jpg": "d",
        '"4.jpg"': '"e"',
    }


def test_a_line_break_in_a_column_that_is_not_needed_is_no_harm(tmp_path: Path) -> None:
    labels_csv(tmp_path, 'name,label,about\n0.jpg,a,"two\nlines"\n1.jpg,b,one\n')
    labeller = TableLabeller(table="labels.csv", file_column="name", label_column="label")

    found = table.load(labeller, tmp_path)

    assert sorted(found.labels) == ["0.jpg", "1.jpg"]
    assert found.problems == ()


def test_a_western_letter_at_the_very_end_is_read(tmp_path: Path) -> None:
    labels_csv(tmp_path, "name,label\n0.jpg,caf\xe9".encode("latin-1"))
    labeller = TableLabeller(table="labels.csv", file_column="name", label_column="label")

    found = table.load(labeller, tmp_path)

    assert found.read("0.jpg") == Label("caf\xe9")


def test_a_table_in_the_home_of_nobody_is_a_sentence(tmp_path: Path) -> None:
    labeller = TableLabeller(table="~nobody-here/x.csv", file_column="1", label_column="2")

    with pytest.raises(LabellerError, match="not a path that can be followed"):
        table.load(labeller, tmp_path)
