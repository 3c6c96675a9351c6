"""A person's own recipes, kept in the store under names of their own."""

import itertools
from dataclasses import dataclass

import sqlalchemy as sa

from core.domain.errors import ConflictError, InputError, NotFoundError
from core.domain.recipes import Recipe
from core.runs.recipes.checking import checked
from core.store import clock, database, ids, schema

TABLE = schema.recipes
MOST_LETTERS = 80


@dataclass(frozen=True, kw_only=True)
class SavedRecipe:
    """A recipe that was saved; the recipe bears the name that it was saved under."""

    id: str
    name: str
    recipe: Recipe
    created_at: float
    updated_at: float


def save(recipe: Recipe, *, name: str, overwrite: bool = False) -> SavedRecipe:
    """Save a recipe under a name; ConflictError where it is taken, unless that one is replaced."""
    named = _named(recipe, name)
    now = clock.now()
    values = {"recipe": named.model_dump(mode="json"), "updated_at": now}
    with database.writing() as connection:
        taken = _id_of(connection, named.name)
        if taken is not None and not overwrite:
            raise _conflict(named.name)
        if taken is not None:
            connection.execute(sa.update(TABLE).where(TABLE.c.id == taken).values(**values))
            saved_id = taken
        else:
            saved_id = ids.new("recipe")
            new = {"id": saved_id, "name": named.name, "created_at": now, **values}
            connection.execute(sa.insert(TABLE).values(**new))
    return get_saved(saved_id)


def list_saved() -> list[SavedRecipe]:
    """List all saved recipes by name."""
    with database.reading() as connection:
        rows = connection.execute(sa.select(TABLE).order_by(TABLE.c.name)).mappings().all()
    return [_saved(row) for row in rows]


def get_saved(saved_id: str) -> SavedRecipe:
    """Give a saved recipe, or say that there is none of that id."""
    with database.reading() as connection:
        row = connection.execute(sa.select(TABLE).where(TABLE.c.id == saved_id)).mappings().first()
    if row is None:
        raise _gone(saved_id)
    return _saved(row)


def duplicate(saved_id: str) -> SavedRecipe:
    """Save a recipe once more, under a free name such as `Mine (2)`."""
    found = get_saved(saved_id)
    taken = {one.name for one in list_saved()}
    numbered = (_numbered(found.name, number) for number in itertools.count(2))
    return save(found.recipe, name=next(name for name in numbered if name not in taken))


def rename(saved_id: str, name: str) -> SavedRecipe:
    """Give a saved recipe another name; ConflictError where another one bears it."""
    named = _named(get_saved(saved_id).recipe, name)
    with database.writing() as connection:
        if _id_of(connection, named.name) not in (None, saved_id):
            raise _conflict(named.name)
        values = {"name": named.name, "recipe": named.model_dump(mode="json")}
        changed = sa.update(TABLE).where(TABLE.c.id == saved_id)
        connection.execute(changed.values(**values, updated_at=clock.now()))
    return get_saved(saved_id)


def delete(saved_id: str) -> None:
    """Delete a saved recipe; plans and runs that were made with it keep theirs."""
    with database.writing() as connection:
        gone = connection.execute(sa.delete(TABLE).where(TABLE.c.id == saved_id)).rowcount
    if gone == 0:
        raise _gone(saved_id)


def _named(recipe: Recipe, name: str) -> Recipe:
    stripped = name.strip()
    if not 0 < len(stripped) <= MOST_LETTERS:
        raise InputError(
            f"A recipe's name has 1 to {MOST_LETTERS} characters, and this one has "
            f"{len(stripped)}.",
            hint="Give it another name.",
        )
    return checked(Recipe, {**recipe.model_dump(), "name": stripped})


def _numbered(name: str, number: int) -> str:
    end = f" ({number})"
    return f"{name[: MOST_LETTERS - len(end)]}{end}"


def _id_of(connection: sa.Connection, name: str) -> str | None:
    found: str | None = connection.execute(
        sa.select(TABLE.c.id).where(TABLE.c.name == name)
    ).scalar()
    return found


def _saved(row: sa.RowMapping) -> SavedRecipe:
    return SavedRecipe(**{**row, "recipe": Recipe.model_validate(row["recipe"])})


def _conflict(name: str) -> ConflictError:
    return ConflictError(
        f"There is a recipe called {name} already.",
        hint="Choose another name, or ask to replace that one. Nothing was changed.",
    )


def _gone(saved_id: str) -> NotFoundError:
    return NotFoundError(
        f"There is no saved recipe {saved_id!r}.", hint="It may have been deleted meanwhile."
    )
