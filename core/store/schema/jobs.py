"""The tables of runs and tasks, of recipes and experiments, and of what is measured."""

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, Table, Text

from core.store.schema.base import job_columns, metadata

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
    *job_columns(),
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
    *job_columns(),
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
