"""The tables. A change here needs a migration in `migrations/versions`; a test compares the two.

Times are seconds since 1970, UTC. JSON columns hold what only Python reads.
"""

from typing import Any

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
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

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


def _job_columns() -> list[Column[Any]]:
    """Make the columns that every process-backed row has."""
    return [
        Column("status", Text, nullable=False),
        Column("stop_requested", Boolean, nullable=False, default=False),
        Column("device", Text),  # "cpu", "cuda:0"; given by the dispatcher
        Column("pid", Integer),
        Column("process_started_at", Float),  # with the pid: which process it was
        Column("heartbeat_at", Float),
        Column("created_at", Float, nullable=False),
        Column("started_at", Float),
        Column("finished_at", Float),
        Column("progress_done", Integer, nullable=False, default=0),
        Column("progress_total", Integer),
        Column("progress_rate", Float),  # per second
        Column("remaining_seconds", Float),
        Column("message", Text, nullable=False, default=""),
        Column("error", Text),
        Column("hint", Text),
    ]


runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("dataset_id", Text, ForeignKey("datasets.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("split_id", Text, ForeignKey("splits.id"), nullable=False),
    Column("subset", JSON, nullable=False),
    Column("fold", Integer),
    Column("recipe", JSON, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("environment", JSON),
    Column("fingerprint", Text),
    Column("retrain_of", Text),
    Column("begins_from", Text),  # the run whose weights it began with
    Column("experiment_id", Text),  # the experiment that it was made for
    Column("arm", Text),  # and which of the compared conditions it is there
    Column("wish", Text),  # "pause" or "stop_after_epoch"
    Column("n_continued", Integer, nullable=False, default=0, server_default="0"),
    Column("seconds_before", Float, nullable=False, default=0.0, server_default="0"),
    Column("n_train", Integer),
    Column("n_valid", Integer),
    Column("metrics", JSON),
    *_job_columns(),
    Index("ix_runs_dataset", "dataset_id"),
    Index("ix_runs_status", "status"),
    Index("ix_runs_experiment", "experiment_id"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("key", Text),  # what it makes; a second request for the same key joins the first
    Column("dataset_id", Text, ForeignKey("datasets.id")),
    Column("run_id", Text, ForeignKey("runs.id")),
    Column("needs_device", Boolean, nullable=False, default=False),
    Column("params", JSON, nullable=False),
    Column("result", JSON),
    *_job_columns(),
    Index("ix_tasks_status", "status"),
    Index("ix_tasks_key", "key"),
    Index("ix_tasks_dataset", "dataset_id"),
)

stages = Table(
    "stages",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("stage", Integer, primary_key=True),
    Column("n_params", Integer, nullable=False),
    Column("n_params_trained", Integer, nullable=False),
    Column("n_batches", Integer, nullable=False),
    Column("lr_find", JSON),  # of an automatic rate: points, suggestions, chosen
    Column("note", Text),  # what was done otherwise than the recipe says, and why
)

recipes = Table(
    "recipes",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("recipe", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)

epochs = Table(
    "epochs",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("stage", Integer, nullable=False),
    Column("last_step", Integer, nullable=False),
    Column("train_loss", Float, nullable=False),
    Column("valid_loss", Float, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("images_per_second", Float, nullable=False),
)

steps = Table(
    "steps",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id"), primary_key=True),
    Column("step", Integer, primary_key=True),  # counts from 0 over all stages
    Column("stage", Integer, nullable=False),
    Column("loss", Float, nullable=False),
    Column("smooth_loss", Float, nullable=False),
    Column("lr", Float, nullable=False),  # of the head
    Column("momentum", Float, nullable=False),
    Column("seconds", Float, nullable=False),  # since the run began
)

lr_finds = Table(
    "lr_finds",
    metadata,
    Column("id", Text, ForeignKey("tasks.id"), primary_key=True),
    Column("dataset_id", Text, ForeignKey("datasets.id"), nullable=False),
    Column("run_id", Text),
    Column("points", JSON, nullable=False),  # [[lr, loss, smooth loss], …]
    Column("suggestions", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("ix_lr_finds_dataset", "dataset_id"),
)

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

experiments = Table(
    "experiments",
    metadata,
    Column("id", Text, primary_key=True),
    Column("dataset_id", Text, ForeignKey("datasets.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("ix_experiments_dataset", "dataset_id"),
)
