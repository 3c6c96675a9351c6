"""The kinds of findings in words: of one image, and of many."""

from core.domain.findings import FindingKind

ONE: dict[FindingKind, str] = {
    "broken": "Broken file",
    "conflict": "Copy with another label",
    "leak": "Copy in another part",
    "copy": "Exact copy",
    "near_copy": "Near copy",
    "mislabelled": "Perhaps mislabelled",
    "drawing": "Drawing or text",
    "outlier": "Odd one",
    "blurry": "Blurry",
    "dark": "Dark",
    "bright": "Bright",
    "low_information": "Almost empty",
    "odd_size": "Odd size",
    "odd_aspect": "Odd shape",
}
MANY: dict[FindingKind, str] = {
    **ONE,
    "broken": "Broken files",
    "conflict": "Copies with different labels",
    "leak": "Copies in two parts",
    "copy": "Exact copies",
    "near_copy": "Near copies",
    "drawing": "Drawings and text",
    "outlier": "Odd ones",
}
