"""How long the server works on a rerun of each page, and how large it grows.

    WINNOW_HOME=… python -m benchmarks.pages DATASET_ID [--runs 15]

The home must hold the dataset and, for the later pages, a finished run. A rerun is timed inside
the process that renders, as the script's wall time with warm caches; the memory is that of this
process after every page was rendered (the resident set, imports included).
"""

import argparse
import statistics
import time
from pathlib import Path

import psutil
from streamlit.testing.v1 import AppTest

APP = Path(__file__).resolve().parents[1] / "app.py"
PAGES = ("home", "datasets", "browse", "batches", "lr", "train", "runs", "interpret", "predict")


def seconds_of_reruns(page: str, dataset_id: str, *, n_runs: int) -> list[float]:
    """Render a page once, then time `n_runs` reruns; seconds each."""
    at = AppTest.from_file(str(APP), default_timeout=60)
    at.query_params["dataset"] = dataset_id
    at.run()
    at.switch_page(f"pages/{page}_page.py").run()
    measured = []
    for _ in range(n_runs):
        began = time.perf_counter()
        at.run()
        measured.append(time.perf_counter() - began)
        assert not at.exception, at.exception
    return measured


def main() -> None:
    """Print a table of all pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset_id")
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    print("| page | median ms | min | max |\n| --- | --- | --- | --- |")
    for page in PAGES:
        found = seconds_of_reruns(page, arguments.dataset_id, n_runs=arguments.runs)
        numbers = (statistics.median(found), min(found), max(found))
        print(f"| {page} | " + " | ".join(f"{1000 * number:.0f}" for number in numbers) + " |")
    print(f"resident memory after all pages: {psutil.Process().memory_info().rss / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
