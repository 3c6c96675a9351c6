"""Lists are read as people and search engines write them; what is no address is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.urls import lists
from core.domain.errors import UrlError


def test_a_text_has_an_address_a_line_and_its_name_is_the_class() -> None:
    content = "# from a search\nhttps://a.example/1.jpg\n\n  http://b.example/2.png \r\n"

    found = lists.parse(content, name="/home/me/black bear.txt")

    assert found.rows == (
        ("black bear", 1, "https://a.example/1.jpg"),
        ("black bear", 2, "http://b.example/2.png"),
    )
    assert found.problems == ()
    assert (found.n_lines, found.counts) == (4, {"black bear": 2})


def test_a_text_takes_the_class_that_was_typed() -> None:
    found = lists.parse("https://a.example/1.jpg", name="urls.txt", label=" grizzly ")

    assert found.counts == {"grizzly": 1}


def test_what_is_no_address_is_a_problem_and_takes_no_rank() -> None:
    content = "https://a.example/1\nftp://a.example/2\nnothing\nhttps://a.example/1\n" + (
        "https://a.example/3 4\nhttps://me:pw@a.example/5\nhttps://a.example/6\n"
    )

    found = lists.parse(content, name="cat.txt")

    assert [(row.rank, row.url[-1]) for row in found.rows] == [(1, "1"), (2, "6")]
    assert found.problems == (
        (2, "ftp://a.example/2", "does not begin with http:// or https://"),
        (3, "nothing", "does not begin with http:// or https://"),
        (4, "https://a.example/1", "has the same address as line 1"),
        (5, "https://a.example/3 4", "has a blank inside its address; write %20"),
        (6, "https://me:pw@a.example/5", "carries a user name or a password"),
    )


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_has_a_column_of_addresses_and_one_of_classes(delimiter: str) -> None:
    content = delimiter.join(("Title", "Class Name", "Image URL")) + "\n"
    content += delimiter.join(('"a, b;\tc"', "cat", "https://a.example/1")) + "\n"
    content += delimiter.join(("d", "dog", '"https://a.example/2,3;4"')) + "\n"
    content += delimiter.join(("e", "cat", "https://a.example/5")) + "\n"

    found = lists.parse(content, name="animals.txt")

    assert found.rows == (
        ("cat", 1, "https://a.example/1"),
        ("dog", 1, "https://a.example/2,3;4"),
        ("cat", 2, "https://a.example/5"),
    )


def test_a_table_without_a_header_is_told_by_what_it_holds() -> None:
    found = lists.parse("cat;https://a.example/1\ndog;https://a.example/2\n", name="all.CSV")

    assert found.counts == {"cat": 1, "dog": 1}


def test_a_table_without_classes_takes_them_from_its_name() -> None:
    found = lists.parse("url\nhttps://a.example/1,2\nhttps://a.example/3\n", name="cat.csv")

    assert found.rows == (("cat", 1, "https://a.example/1,2"), ("cat", 2, "https://a.example/3"))


def test_rows_of_a_table_that_fit_no_column_or_name_no_class_are_problems() -> None:
    content = 'url,label\nhttps://a.example/1,cat\nhttps://a.example/2,3,cat\n"a\nb",cat\n'
    content += "https://a.example/4,\nhttps://a.example/5,../up\n"
    content += f"https://a.example/6,{'ü' * 150}\n"

    found = lists.parse(content, name="animals.csv")

    assert found.counts == {"cat": 1}
    assert [(one.line, one.reason) for one in found.problems] == [
        (3, "has another number of columns than the first row: 3"),
        (4, "is not a row of a table (a quote is opened and not closed)"),
        (5, "does not begin with http:// or https://"),
        (6, "names no class"),
        (7, "has no class: '../up' cannot be the name of a class"),
        (8, "has a class whose name is longer than 240 bytes"),
    ]


@pytest.mark.parametrize("closing", ["", '"a closing one",cat\n'])
def test_a_quote_that_is_not_closed_hides_no_other_row(closing: str) -> None:
    content = 'url,label\nhttps://a.example/1,cat\n"https://a.example/2,cat\n'
    content += f'"https://a.example/3,4",cat\n{closing}https://a.example/5,"dog"\n'

    found = lists.parse(content, name="animals.csv")

    assert found.rows == (
        ("cat", 1, "https://a.example/1"),
        ("cat", 2, "https://a.example/3,4"),
        ("dog", 1, "https://a.example/5"),
    )
    assert found.problems[0] == (
        3,
        '"https://a.example/2,cat',
        "is not a row of a table (a quote is opened and not closed)",
    )
    assert len(found.problems) == (2 if closing else 1)


def test_a_quote_that_is_not_closed_leaves_the_columns_as_they_are() -> None:
    content = 'https://a.example/1;"cat\nhttps://a.example/2;cat\nhttps://a.example/3;dog\n'

    found = lists.parse(content, name="animals.csv")

    assert found.counts == {"cat": 1, "dog": 1}
    assert [one.line for one in found.problems] == [1]


def test_a_comment_above_a_header_is_passed_over() -> None:
    content = '# found with "bears\n# a,"b\n\nurl,label\nhttps://a.example/1,cat\n'

    found = lists.parse(content, name="animals.csv")

    assert (found.counts, found.problems) == ({"cat": 1}, ())


def test_an_address_may_be_in_two_classes() -> None:
    found = lists.parse("url,class\nhttp://a.example/,x\nhttp://a.example/,y\n", name="l.csv")

    assert found.counts == {"x": 1, "y": 1}


@pytest.mark.parametrize("content", ["", "\n\n", "# only words\n", "a picture\n", "url,label\n"])
def test_a_list_without_an_address_is_refused(content: str) -> None:
    with pytest.raises(UrlError, match=r"cats\.csv has no address of an image"):
        lists.parse(content, name="cats.csv")


def test_a_list_that_is_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MAX_LINES", 3)

    with pytest.raises(UrlError, match="has 4 lines; 3 are the most"):
        lists.parse("https://a.example/1\n" * 4, name="cat.txt")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbfurl\n", "url\n"),
        ("Bär".encode(), "Bär"),
        ("Bär".encode("cp1252"), "Bär"),
    ],
)
def test_a_list_is_read_as_utf_8_or_as_windows_writes(content: bytes, text: str) -> None:
    assert lists.decode(content, "l.txt") == text


@pytest.mark.parametrize("content", ["url".encode("utf-16"), b"\x89PNG\x00", b"\x81\x8d"])
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(UrlError, match=r"l\.txt is"):
        lists.decode(content, "l.txt")


WORDS = ("https://a.example/1", "http://b.example/ü", "http://[", "cat", "dog", "url", "label")
SIGNS = (",", ";", "\t", "\n", "\r", "\r\n", '"', " ", "\0", "\u2028", "..", "#")
PIECES = st.sampled_from((*WORDS, *SIGNS))


@given(
    content=st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text()),
    name=st.one_of(st.sampled_from(["a.txt", "a.csv", "a.tsv"]), st.text()),
)
def test_any_text_is_read_or_refused_and_ranks_have_no_gaps(content: str, name: str) -> None:
    try:
        found = lists.parse(content, name=name)
    except UrlError:
        return

    for label, number in found.counts.items():
        mine = [row for row in found.rows if row.label == label]
        assert [row.rank for row in mine] == list(range(1, number + 1))
        assert len({row.url for row in mine}) == number
    assert all(1 <= one.line <= found.n_lines for one in found.problems)
