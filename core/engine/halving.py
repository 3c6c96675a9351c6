"""What becomes of a recipe when the memory does not suffice for its batches."""

from core.domain.recipes import Recipe

MOST_HALVINGS = 3


def halved(recipe: Recipe) -> Recipe:
    """Give the recipe with batches of half as many images in all its stages.

    The steps stay as large: whoever fits adds the gradients of several batches up.
    """
    stages = [
        each.model_copy(update={"batch_size": max(2, each.batch_size // 2)})
        if each.batch_size is not None
        else each
        for each in recipe.stages
    ]
    sizes = {"batch_size": max(2, recipe.batch_size // 2), "stages": tuple(stages)}
    return recipe.model_copy(update=sizes)
