"""What Winnow needs of the optional library timm: its networks by name, and their weights."""

import difflib
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from core.domain.archs import TIMM
from core.domain.errors import RecipeError, WeightsMissingError
from core.domain.recipes import Recipe

MOST_NEAR = 5
SAFE_FILE = "model.safetensors"


def library() -> ModuleType:
    """Import timm, or raise RecipeError."""
    try:
        return importlib.import_module("timm")
    except ModuleNotFoundError as error:
        raise RecipeError(
            "The networks of timm need the library timm, which is not installed.",
            hint="Run: pip install timm, and restart Winnow; or choose another network.",
        ) from error


def check(recipe: Recipe) -> str:
    """Give timm's name of a recipe's network, or raise RecipeError where it cannot be trained."""
    timm, name = library(), recipe.arch.removeprefix(TIMM)
    if not timm.is_model(name):
        raise _unknown(name, timm.list_models())
    with_weights = timm.list_pretrained(f"{name.partition('.')[0]}.*")
    if "." in name and name not in with_weights:
        raise _unknown(name, with_weights)
    if recipe.pretrained and not timm.is_model_pretrained(name):
        raise RecipeError(
            f"timm has no pretrained weights for {name}.", hint="Train it from scratch."
        )
    _check_size(recipe, name, timm.models.get_pretrained_cfg(name))
    return name


def weights_of(name: str) -> dict[str, Any]:
    """Give the arguments with which timm reads cached weights without asking the network.

    Empty where they are not in the Hugging Face hub's cache: then timm downloads them.
    """
    hub = importlib.import_module("huggingface_hub")
    stored = library().models.get_pretrained_cfg(name)
    if not stored.hf_hub_id or stored.custom_load == "hf":  # its own reader, for its own format
        return {}
    found = hub.try_to_load_from_cache(stored.hf_hub_id, stored.hf_hub_filename or SAFE_FILE)
    is_here = isinstance(found, str) and found.endswith(".safetensors")
    return {"pretrained_cfg_overlay": {"file": found, "custom_load": False}} if is_here else {}


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Raise WeightsMissingError where timm can neither find, download nor read its weights."""
    hub = importlib.import_module("huggingface_hub.errors")
    safe = importlib.import_module("safetensors")
    try:
        yield
    except (OSError, hub.EntryNotFoundError, safe.SafetensorError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        raise WeightsMissingError(
            f"The pretrained weights of timm's {name} could not be fetched or read: {said}.",
            hint="They come from the Hugging Face hub, once: start again with a network, or train "
            "from scratch.",
        ) from error


def _unknown(name: str, known: list[str]) -> RecipeError:
    near = difflib.get_close_matches(name, known, n=MOST_NEAR, cutoff=0.5)
    hint = f"Near to it are {', '.join(near)}." if near else "Search for a part of the name."
    return RecipeError(f"timm has no network called {name}.", hint=hint)


def _check_size(recipe: Recipe, name: str, stored: Any) -> None:
    """Refuse sizes that a network with a fixed size cannot take, such as most transformers."""
    if stored is None or not stored.fixed_input_size:
        return
    size_px = stored.input_size[-1]
    wrong = [px for px in map(recipe.size_of, recipe.stages) if px != size_px]
    if wrong:
        raise RecipeError(
            f"timm's {name} takes images of {size_px} px only, and the train size is "
            f"{wrong[0]} px.",
            hint=f"Train at {size_px} px, or choose another network.",
        )
