"""Tables as Parquet files, written atomically."""

from pathlib import Path

import pandas as pd

from core.store import files


def save(path: Path, frame: pd.DataFrame) -> None:
    """Write a table without its index; readers see the old file or the whole new one."""
    files.write_with(path, lambda part: frame.to_parquet(part, index=False))


def load(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a table, or some of its columns."""
    return pd.read_parquet(path, columns=columns)
