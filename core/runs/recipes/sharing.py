"""Recipes as files: YAML that a person can read, edit and pass on."""

import re

import yaml  # type: ignore[import-untyped]

from core.domain.errors import RecipeError
from core.domain.recipes import Recipe
from core.runs.recipes.checking import checked

FORMAT = "winnow_recipe"
VERSION = 1
MOST_BYTES = 100_000
FIRST_LINE = "# A recipe of Winnow: what is trained, how long and how fast.\n"


class _PlainLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Reads plain values alone: a few lines of names for values can stand for billions of them."""

    def compose_node(self, parent: object, index: object) -> object:
        """Make a node, or raise RecipeError where it has a name (`&`), or is one (`*`)."""
        event = self.peek_event()
        if event.anchor is not None:
            raise RecipeError(
                f"The file uses the name {event.anchor!r:.40} for a value in line "
                f"{event.start_mark.line + 1}, which recipes never do.",
                hint="Write the value out, without & and *.",
            )
        return super().compose_node(parent, index)


def to_yaml(recipe: Recipe) -> str:
    """Write a recipe down; `from_yaml` makes exactly the same of it."""
    values = {FORMAT: VERSION, **recipe.model_dump(mode="json")}
    text: str = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    return FIRST_LINE + text


def from_yaml(content: bytes) -> Recipe:
    """Read a recipe from a file that may come from anywhere; nothing of it is ever executed.

    Raises RecipeError that names the field which is unknown or has a wrong value.
    """
    values = _loaded(_decoded(content))
    if not isinstance(values, dict) or FORMAT not in values:
        raise RecipeError(
            f"This is no recipe of Winnow: its {FORMAT} field is missing.",
            hint="Take a file that Winnow has written, or begin with the line "
            f"{FORMAT}: {VERSION}.",
        )
    version = values.pop(FORMAT)
    if version != VERSION:
        raise RecipeError(
            f"The recipe has the format {version!r:.40}, and this version of Winnow reads "
            f"{VERSION}.",
            hint="Read it with the version of Winnow that wrote it.",
        )
    return checked(Recipe, {str(name): value for name, value in values.items()})


def file_name(recipe: Recipe) -> str:
    """Give a harmless file name for a recipe."""
    plain = re.sub(r"[^a-z0-9]+", "-", recipe.name.lower()).strip("-")
    return f"{plain or 'recipe'}.yaml"


def _decoded(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise RecipeError(
            f"The file has {len(content):,} bytes, and a recipe at most {MOST_BYTES:,}.",
            hint="Choose the file of a single recipe.",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"The file is no text in UTF-8: byte {error.start} cannot be read.",
            hint="Save it again as UTF-8.",
        ) from error


def _loaded(text: str) -> object:
    try:
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506  # a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise RecipeError(
            f"The file is no YAML{line}: {problem:.200}.",
            hint="A YAML file has one `name: value` a line; lists and stages are indented.",
        ) from error
    except (RecursionError, ValueError) as error:  # nested without end, or a date that is none
        raise RecipeError(
            f"The file holds a value that YAML cannot make: {str(error)[:120]}.",
            hint="Write numbers and words only.",
        ) from error
