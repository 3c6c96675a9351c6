"""What a table and a folder do not share: rows without a file, and files without a row."""

import heapq
from dataclasses import dataclass

from core.datasets.labelling import Reader, RowProblem, Table
from core.domain.items import Dataset
from core.store import files

MOST_LISTED = 2000


@dataclass(frozen=True, kw_only=True)
class LabelsReport:
    """What the last scan found of a dataset's table; the lists hold the first of each kind."""

    n_rows: int
    n_without_file: int
    n_without_row: int
    n_problems: int
    without_file: tuple[str, ...]  # the paths that rows name, and where nothing lies
    without_row: tuple[str, ...]  # the paths of files that no row names
    problems: tuple[RowProblem, ...]


def write(dataset: Dataset, labels: Reader) -> None:
    """Keep what a scan has found of a table; other labellers have nothing to report."""
    if not isinstance(labels, Table):
        return
    missing = labels.without_file()
    files.write_json(
        files.labels_report(dataset.id),
        {
            "n_rows": labels.n_rows,
            "n_without_file": len(missing),
            "n_without_row": len(labels.without_row),
            "n_problems": labels.n_problems,
            "without_file": missing[:MOST_LISTED],
            "without_row": heapq.nsmallest(MOST_LISTED, labels.without_row),
            "problems": [[one.line, one.content, one.reason] for one in labels.problems],
        },
    )


def find(dataset_id: str) -> LabelsReport | None:
    """Find the report of a dataset's last scan; None where it has no table."""
    path = files.labels_report(dataset_id)
    if not path.exists():
        return None
    found = files.load_json(path)
    problems = (
        RowProblem(line=line, content=content, reason=reason)
        for line, content, reason in found["problems"]
    )
    return LabelsReport(
        n_rows=found["n_rows"],
        n_without_file=found["n_without_file"],
        n_without_row=found["n_without_row"],
        n_problems=found["n_problems"],
        without_file=tuple(found["without_file"]),
        without_row=tuple(found["without_row"]),
        problems=tuple(problems),
    )
