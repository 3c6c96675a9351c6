"""What can go wrong in a way that a person can mend.

    WinnowError
    ├── InputError            a value that was typed or chosen is refused
    │   ├── FolderError       a folder cannot be opened as a dataset
    │   ├── LabellerError     labels cannot be read in the way that was asked for
    │   ├── ArchiveError      an archive cannot be unpacked safely
    │   ├── UrlError          an address, or a list of them, is refused
    │   └── RecipeError       a recipe cannot be trained as it stands
    ├── NotFoundError         an id or a path names nothing (any more)
    ├── ConflictError         the thing changed meanwhile, or is busy
    ├── StoreError            the home folder or the database refuses
    └── EngineError           a training, a range test or a preview ended early
        ├── WeightsMissingError   pretrained weights are neither cached nor downloadable
        ├── UnreadableImageError  an image in use cannot be decoded
        ├── NotFiniteError        the loss became NaN or infinite
        └── OutOfMemoryError      the device's memory is too small for the batch

Every error is one full sentence with the offending value in it, and a hint that says what to do.
Bugs are none of these: they keep their traceback.
"""


class WinnowError(Exception):
    """A sentence for the person, with a hint that says what to do."""

    def __init__(self, sentence: str, *, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class InputError(WinnowError):
    """A value that was typed or chosen is refused."""


class FolderError(InputError):
    """A folder cannot be opened as a dataset."""


class LabellerError(InputError):
    """Labels cannot be read in the way that was asked for."""


class ArchiveError(InputError):
    """An archive cannot be unpacked safely."""


class UrlError(InputError):
    """An address, or a list of them, is refused."""


class RecipeError(InputError):
    """A recipe cannot be trained as it stands."""


class NotFoundError(WinnowError):
    """An id or a path names nothing, or nothing any more."""


class ConflictError(WinnowError):
    """The thing changed meanwhile, or is busy."""


class StoreError(WinnowError):
    """The home folder or the database refuses."""


class EngineError(WinnowError):
    """A training, a range test or a preview ended early."""


class WeightsMissingError(EngineError):
    """Pretrained weights are neither cached nor downloadable."""


class UnreadableImageError(EngineError):
    """An image in use cannot be decoded."""


class NotFiniteError(EngineError):
    """The loss became NaN or infinite."""


class OutOfMemoryError(EngineError):
    """The device's memory is too small for the batch."""
