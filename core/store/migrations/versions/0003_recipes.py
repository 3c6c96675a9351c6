"""Recipes: saved ones, runs that pause, continue and begin from others, rates found."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Recipes: saved ones, runs that pause, continue and begin from others."""
    op.create_table(
        "recipes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipes")),
        sa.UniqueConstraint("name", name=op.f("uq_recipes_name")),
    )
    for column in (
        sa.Column("begins_from", sa.Text(), nullable=True),
        sa.Column("wish", sa.Text(), nullable=True),
        sa.Column("n_continued", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("seconds_before", sa.Float(), nullable=False, server_default="0"),
    ):
        op.add_column("runs", column)
    for found in (
        sa.Column("lr_find", sa.JSON(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
    ):
        op.add_column("stages", found)
