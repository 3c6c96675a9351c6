"""Labellers in words."""

from core.domain.labellers import (
    FolderLabeller,
    GrandparentLabeller,
    Labeller,
    PatternLabeller,
    TableLabeller,
)


def in_words(labeller: Labeller) -> str:
    """Say where the labels of a dataset come from."""
    match labeller:
        case FolderLabeller():
            return "the class is the sub-folder"
        case GrandparentLabeller():
            return "part and class are the folders, such as train/cat"
        case PatternLabeller():
            where = "path" if labeller.on == "path" else "file name"
            return f"the class is what the pattern {labeller.pattern} finds in the {where}"
        case TableLabeller():
            several = "labels are" if labeller.separator else "class is"
            return f"the {several} the column {labeller.label_column} of {labeller.table}"
