"""The error boundary, and that nothing in the pages is drawn or called outside it."""

import ast
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).resolve().parents[2] / "pages"
SOURCES = sorted(PAGES.rglob("*.py"))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES}
GUARDED = {
    node.name
    for tree in TREES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef)
    and {"errors.callback", "callback"} & {ast.unparse(one) for one in node.decorator_list}
}
BOUND = {
    node.name
    for tree in TREES.values()
    for node in ast.walk(tree)
    if isinstance(node, ast.FunctionDef)
    and "errors.boundary()" in {ast.unparse(one) for one in node.decorator_list}
}


def test_a_mistake_of_a_person_is_a_sentence_with_a_hint():
    def script():
        from core.domain.errors import InputError
        from pages.parts import errors

        with errors.boundary():
            raise InputError("The value 7 is too large.", hint="Choose a smaller one.")

    at = AppTest.from_function(script).run()

    assert (
        at.error[0].value.replace("\\", "") == "The value 7 is too large.  \nChoose a smaller one."
    )


def test_a_bug_shows_its_kind_and_a_reference_and_the_rest_of_the_page_lives(caplog):
    def script():
        import streamlit as st

        from pages.parts import errors

        with errors.boundary():
            raise ZeroDivisionError("secret details")
        st.write("still here")

    at = AppTest.from_function(script).run()

    shown = at.error[0].value
    reference = shown.split("reference ")[1][:8]
    assert "ZeroDivisionError" in shown
    assert "secret details" not in shown
    assert at.markdown[0].value == "still here"
    assert any(reference in record.getMessage() and record.exc_info for record in caplog.records)


def test_an_error_in_a_callback_is_shown_by_the_next_boundary():
    def script():
        import streamlit as st

        from core.domain.errors import ConflictError
        from pages.parts import errors

        @errors.callback
        def clicked():
            raise ConflictError("It is busy.")

        with errors.boundary():
            st.button("go", on_click=clicked)

    at = AppTest.from_function(script).run()
    at.button[0].click().run()

    assert [error.value.replace("\\", "") for error in at.error] == ["It is busy."]
    assert at.run().error == []


def test_a_rerun_and_a_stop_pass_the_boundary():
    def script():
        import streamlit as st

        from pages.parts import errors

        with errors.boundary():
            if "again" not in st.session_state:
                st.session_state["again"] = True
                st.rerun()
            st.write("second run")
            st.stop()
        st.write("never")

    at = AppTest.from_function(script).run()

    assert [one.value for one in at.markdown] == ["second run"]
    assert at.error == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PAGES).as_posix())
def test_every_fragment_and_dialog_has_the_boundary(path: Path):
    bare = [
        node.name
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.FunctionDef)
        and any(_opens_a_fragment(one) for one in node.decorator_list)
        and "errors.boundary()" not in {ast.unparse(one) for one in node.decorator_list}
    ]
    bare += [
        ast.unparse(call)
        for call in _calls(TREES[path])
        if ast.unparse(call.func) in ("st.fragment", "st.dialog")
        and call.args
        and not isinstance(call.args[0], ast.Constant)
        and _name(call.args[0]) not in BOUND
    ]

    assert bare == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PAGES).as_posix())
def test_every_callback_has_the_boundary(path: Path):
    bare = [
        f"line {call.lineno}: {keyword.arg}={ast.unparse(keyword.value)}"
        for call in _calls(TREES[path])
        for keyword in call.keywords
        if (keyword.arg or "").startswith("on_") and not _is_guarded(keyword.value)
        if ast.unparse(call.func) != "live_chart.show"  # guards what it calls
    ]

    assert bare == []


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _opens_a_fragment(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(called) in ("st.fragment", "st.dialog")


def _is_guarded(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return True  # None, "rerun", "ignore"
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "functools.partial":
        return _is_guarded(value.args[0])
    return _name(value) in GUARDED


def _name(value: ast.expr) -> str:
    return ast.unparse(value).rsplit(".", 1)[-1]
