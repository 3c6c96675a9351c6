"""The tables of findings, and of what edits moved on disk."""

from sqlalchemy import JSON, BigInteger, Column, Float, ForeignKey, Index, Integer, Table, Text

from core.store.schema.base import metadata

findings = Table(
    "findings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("dataset_id", Text, ForeignKey("datasets.id"), nullable=False),
    Column("item_id", Integer, ForeignKey("items.id"), nullable=False),
    Column("finder", Text, nullable=False),  # who found it: a finder replaces its own findings
    Column("kind", Text, nullable=False),
    Column("score", Float, nullable=False),  # 0 to 1, high = more suspicious
    Column("reason", Text, nullable=False),
    Column("suggestion", Text, nullable=False),
    Column("label", Text),  # of the suggestion to relabel
    Column("members", JSON),  # of copies: the ids of all, the one to keep first
    Column("created_at", Float, nullable=False),
    Index("ix_findings_dataset", "dataset_id", "finder"),
    Index("ix_findings_item", "item_id"),
)

applications = Table(
    "applications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("dataset_id", Text, ForeignKey("datasets.id"), nullable=False),
    Column("revision", Integer, nullable=False),  # whose edits went to disk
    Column("root", Text, nullable=False),
    Column("trash", Text, nullable=False),
    Column("status", Text, nullable=False),  # applying, applied, undoing, undone
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
    Index("ix_applications_dataset", "dataset_id"),
)

moves = Table(
    "moves",
    metadata,
    Column("application_id", Text, ForeignKey("applications.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("item_id", Integer, nullable=False),
    Column("kind", Text, nullable=False),  # trash, relabel
    Column("source", Text, nullable=False),  # relative to the root
    Column("target", Text, nullable=False),  # likewise
    Column("label", Text),  # of a relabel
    Column("size_bytes", BigInteger, nullable=False),
    Column("content_hash", Text),
    Column("status", Text, nullable=False),  # planned, done, undone, skipped
)
