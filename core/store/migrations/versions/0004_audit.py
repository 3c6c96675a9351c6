"""Findings and decisions, moves on disk, experiments."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add findings, the decision in force of each item, moves on disk, and experiments."""
    op.add_column("items", sa.Column("decision", sa.Text(), nullable=True))
    _fill_decisions(op.get_bind())
    _findings()
    _moves()
    _experiments()


def _findings() -> None:
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("finder", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("suggestion", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("members", sa.JSON(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_findings_dataset_id")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["items.id"], name=op.f("fk_findings_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    op.create_index("ix_findings_dataset", "findings", ["dataset_id", "finder"])
    op.create_index("ix_findings_item", "findings", ["item_id"])


def _moves() -> None:
    op.create_table(
        "applications",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("trash", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_applications_dataset_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
    )
    op.create_index("ix_applications_dataset", "applications", ["dataset_id"])
    op.create_table(
        "moves",
        sa.Column("application_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.id"], name=op.f("fk_moves_application_id")
        ),
        sa.PrimaryKeyConstraint("application_id", "number", name=op.f("pk_moves")),
    )


def _experiments() -> None:
    op.create_table(
        "experiments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_experiments_dataset_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiments")),
    )
    op.create_index("ix_experiments_dataset", "experiments", ["dataset_id"])
    op.add_column("runs", sa.Column("experiment_id", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("arm", sa.Text(), nullable=True))
    op.create_index("ix_runs_experiment", "runs", ["experiment_id"])


def _fill_decisions(connection: sa.Connection) -> None:
    """Fold the log as it was written until now: the last edit in force decides."""
    log = sa.text(
        "SELECT dataset_id, revision, kind FROM revisions "
        "WHERE kind IN ('edit', 'undo', 'redo') ORDER BY dataset_id, revision"
    )
    done: dict[str, list[int]] = {}
    undone: dict[str, list[int]] = {}
    for dataset_id, number, kind in connection.execute(log):
        mine, back = done.setdefault(dataset_id, []), undone.setdefault(dataset_id, [])
        if kind == "edit":
            mine.append(number)
            back.clear()
        elif kind == "undo":
            back.append(mine.pop())
        else:
            mine.append(back.pop())
    _store_decisions(connection, {(one, number) for one in done for number in done[one]})


def _store_decisions(connection: sa.Connection, in_force: set[tuple[str, int]]) -> None:
    edits = sa.text("SELECT dataset_id, revision, item_id, kind FROM edits ORDER BY revision")
    last: dict[int, dict[str, Any]] = {}
    for dataset_id, number, item_id, kind in connection.execute(edits):
        if (dataset_id, number) in in_force:
            last[item_id] = {"item": item_id, "kind": kind}
    if last:
        change = sa.text("UPDATE items SET decision = :kind WHERE id = :item")
        connection.execute(change, list(last.values()))
