"""The part of a script that reads: the list of items, their pictures and their labels."""

from core.runs.script.facts import ScriptFacts

SHALLOW = frozenset(
    {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"}
)
"""The modes of pictures with 8 bits a channel, or fewer."""

ITEMS = '''
def read_items(folder):
    """Read path, label and part of each image, in the order of the run."""
    with (HERE / "items.csv").open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return [{**row, "path": folder / row["path"]} for row in csv.DictReader(file)]
'''

TURNS = """
TURNS = {  # by EXIF orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""

OPENED = '''
def read_image(item):
    """Read a picture upright (fastai alone ignores EXIF), on white where it is transparent."""
    image = Image.open(item["path"])
'''

DRAFT = """\
    share = PRESIZE / min(image.size)
    if share < 1:  # a large JPEG is decoded at a lower scale
        image.draft("", tuple(math.ceil(side * share) for side in image.size))
"""

UPRIGHT = """\
    image.load()
    turn = TURNS.get(image.getexif().get(274))
    if turn is not None:
        image = image.transpose(turn)
"""

DEEP = """\
    if image.mode.startswith(("I", "F")):
        image = eight_bits(image)
"""

OPAQUE = """\
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image.convert("RGBA"))
    return PILImage(image.convert("RGB"))
"""

EIGHT_BITS = '''
def eight_bits(image):
    """Scale grey of 16 or more bits to 8."""
    values = np.asarray(image).astype(np.float32)
    top = float(values.max(initial=0.0, where=np.isfinite(values)))
    if image.mode != "F":
        top = max(top, 65535.0)
    elif top <= 255.0:
        top = 1.0 if top <= 1.0 else 255.0
    scaled = np.clip(np.nan_to_num(values * (255.0 / top)), 0, 255)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))
'''

LABEL = """
def read_label(item):
    return item["label"]
"""

ONE_LABEL = '''
def read_labels(item):
    """Give the label in a list: the loss asks of each class by itself."""
    return L([item["label"]])
'''

LABELS = '''
def read_labels(item):
    """Give the labels of an image, which may be none."""
    return L(item["label"].split("|") if item["label"] else [])
'''


def write(facts: ScriptFacts) -> list[str]:
    """Write the functions that read, each a block."""
    is_deep = not facts.modes <= SHALLOW
    is_draft = facts.recipe.input == "draft"
    image = (OPENED, DRAFT if is_draft else "", UPRIGHT, DEEP if is_deep else "", OPAQUE)
    blocks = [ITEMS, EIGHT_BITS if is_deep else "", "".join(image), _labels(facts)]
    return [block.strip("\n") for block in blocks if block]


def _labels(facts: ScriptFacts) -> str:
    if facts.is_multi:
        return LABELS
    return ONE_LABEL if facts.is_one_hot else LABEL
