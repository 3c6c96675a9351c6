"""Words, numbers, and names from disk that want to be Markdown."""

import pytest

from pages.parts import text

JOINER = "\N{WORD JOINER}"


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("a *b* _c_", r"a \*b\* \_c\_"),
        ("[x](y)", r"\[x\]\(y\)"),
        ("<img>", r"\<img\>"),
        ("$x$ | y", r"\$x\$ \| y"),
        (":red", f":{JOINER}red"),
        ("www.x", rf"www\.{JOINER}x"),
        ("me@x", f"me@{JOINER}x"),
        ("back\\slash", "back\\\\slash"),
        ("中文 1", "中文 1"),
    ],
)
def test_a_name_means_nothing_in_markdown(name, escaped):
    assert text.escape(name).replace(f"www{JOINER}", "www") == escaped


def test_characters_that_turn_the_direction_of_text_are_shown_as_boxes():
    assert text.plain("a\u202egpj.exe\n") == "a□gpj.exe□"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (12.2, "12 s"), (185, "3 min 05 s"), (4800, "1 h 20 min")],
)
def test_a_duration_is_written_in_its_unit(seconds, words):
    assert text.duration(seconds) == words


@pytest.mark.parametrize(
    ("n_bytes", "words"), [(640, "640 B"), (12_345, "12.3 kB"), (999_960, "1.0 MB")]
)
def test_a_size_is_written_in_its_unit(n_bytes, words):
    assert text.size(n_bytes) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(5, "just now"), (300, "5 min ago"), (7300, "2 h ago"), (200_000, "2 days ago")],
)
def test_a_time_is_told_by_how_long_ago_it_was(seconds, words):
    assert text.ago(1000.0, now=1000.0 + seconds) == words


def test_a_long_name_keeps_its_beginning_and_its_end():
    short = text.shorten("a" * 100 + ".jpg", 30)

    assert len(short) == 30
    assert short.startswith("aaa")
    assert short.endswith(".jpg")


def test_equal_names_get_labels_of_their_own():
    labels = text.distinct({"ds-1": "train", "ds-2": "train", "ds-3": "test"})

    assert labels == {"ds-1": "train", "ds-2": "train (2)", "ds-3": "test"}


@pytest.mark.parametrize(
    ("said", "drawn"),
    [
        ("Give `a_b`, not c_d.", r"Give `a_b`, not c\_d\."),
        ("One ` alone_", r"One \` alone\_"),
        ("None", "None"),
    ],
)
def test_code_in_a_sentence_stays_code_and_the_rest_means_nothing(said, drawn):
    assert text.with_code(said) == drawn


@pytest.mark.parametrize(
    ("names", "made"),
    [
        (("clothing", "run", "2 · Fine-tune", "learner"), "clothing-run-2-fine-tune-learner.pkl"),
        (("../../etc", "a/b\\c:d"), "etc-a-b-c-d.pkl"),
        (("中文", "Été"), "中文-été.pkl"),
        (("…", "\u202e"), "winnow.pkl"),
        (("x" * 300,), f"{'x' * 21}-{'x' * 10}.pkl"),
    ],
)
def test_a_file_name_is_made_of_names_and_harmless(names, made):
    assert text.file_name(*names, ending=".pkl") == made
