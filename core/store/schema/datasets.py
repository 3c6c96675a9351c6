"""The tables of datasets: items, their log, their parts, what is downloaded."""

import sqlalchemy as sa
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Computed,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from core.store.schema.base import metadata

datasets = Table(
    "datasets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("root", Text, nullable=False),  # with the labeller it is unique among those not removed
    Column("labeller", JSON, nullable=False),
    Column("source", Text, nullable=False),
    Column("origin", Text),  # where it was brought from; None: it always was a folder
    Column("revision", Integer, nullable=False, default=0),
    Column("created_at", Float, nullable=False),
    Column("scanned_at", Float),
    Column("ignored", JSON, nullable=False),
    Column("listing_hash", Text),  # of the folder as the last scan left it, when all was settled
    Column("plan", JSON),  # the next run as it stands; None: never touched
    Column("removed_at", Float),  # hidden since then; opening its folder again brings it back
    Index("ix_datasets_root", "root"),
)

items = Table(
    "items",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("dataset_id", Text, ForeignKey("datasets.id"), nullable=False),
    Column("path", Text, nullable=False),
    Column(
        "name", Text, Computed("substr(path, length(rtrim(path, replace(path, '/', ''))) + 1)")
    ),  # the path without its folders
    Column("recorded_label", Text, nullable=False),
    Column("recorded_part", Text),  # where the labeller gives parts
    Column("rank", Integer),  # its position in the search results it came from, from 1
    Column("label", Text, nullable=False),  # what the log makes of it at the newest revision
    Column("excluded", Boolean, nullable=False, default=False),  # likewise
    Column("decision", Text),  # likewise: the kind of the last edit in force; None: undecided
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("size_bytes", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    Column("width_px", Integer),
    Column("height_px", Integer),
    Column("format", Text),
    Column("mode", Text),  # as the file has it: RGB, L, P, CMYK, I;16, …
    Column("is_grey", Boolean),
    Column("is_misnamed", Boolean),
    Column("content_hash", Text),
    Column("perceptual_hash", BigInteger),  # signed 64 bits
    Column("group_id", Integer),
    UniqueConstraint("dataset_id", "path"),
    # All that a gallery filters and orders by, so that it opens the rows of one page alone.
    Index(
        "ix_items_gallery",
        *("dataset_id", "label", "path", "status", "excluded", "recorded_label", "rank"),
        *("width_px", "height_px", "size_bytes", "format", "mode", "is_grey", "is_misnamed"),
        "name",
    ),
    Index("ix_items_content", "dataset_id", "content_hash", "status", "excluded", "label"),
)

revisions = Table(
    "revisions",
    metadata,
    Column("dataset_id", Text, ForeignKey("datasets.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # scan, edit, undo, redo
    Column("target_revision", Integer),
    Column("operation_id", Text),  # the browser's number for it: the same operation counts once
    Column("note", Text, nullable=False, default=""),  # one line for a person
    Column("created_at", Float, nullable=False),
    UniqueConstraint("dataset_id", "operation_id"),
)

edits = Table(
    "edits",
    metadata,
    Column("dataset_id", Text, ForeignKey("datasets.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("label", Text),
    Index("ix_edits_item", "item_id"),
)

scan_changes = Table(
    "scan_changes",
    metadata,
    Column("dataset_id", Text, ForeignKey("datasets.id"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("kind", Text, nullable=False),  # added, changed, moved, gone, back
    Column("before", JSON),  # the columns as they were, so that older revisions can be rebuilt
)

splits = Table(
    "splits",
    metadata,
    Column("id", Text, primary_key=True),
    Column("dataset_id", Text, ForeignKey("datasets.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("is_master", Boolean, nullable=False),
    Column("is_given", Boolean, nullable=False, default=False, server_default=sa.false()),
    Column("seed", Integer, nullable=False),
    Column("valid_fraction", Float, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("ix_splits_dataset", "dataset_id"),
)

assignments = Table(
    "assignments",
    metadata,
    Column("split_id", Text, ForeignKey("splits.id"), primary_key=True),
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("part", Text, nullable=False),
    Index("ix_assignments_part", "split_id", "part", "item_id"),
)

downloads = Table(
    "downloads",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("dataset_id", Text, ForeignKey("datasets.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("rank", Integer, nullable=False),  # the position in its list, from 1
    Column("url", Text, nullable=False),
    Column("status", Text, nullable=False),  # waiting, ok, copy, not_image, failed
    Column("reason", Text),  # why it is not ok, in words
    Column("path", Text),  # below the root, once it is ok; of a copy: the file that was there
    Column("content_hash", Text),
    Column("size_bytes", BigInteger),
    Column("n_tries", Integer, nullable=False, default=0),
    UniqueConstraint("dataset_id", "label", "url"),
    Index("ix_downloads_status", "dataset_id", "status"),
    Index("ix_downloads_listed", "dataset_id", "label", "rank", "id", "status"),
)
