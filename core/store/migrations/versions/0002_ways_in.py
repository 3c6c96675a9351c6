"""Ways in: one folder with several labellers, given parts, ranks, downloads, more of an image."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Ways in: one folder with several labellers, given parts, ranks, downloads."""
    with op.batch_alter_table("datasets") as datasets:
        datasets.drop_constraint("uq_datasets_root", type_="unique")
        datasets.add_column(sa.Column("origin", sa.Text(), nullable=True))
        datasets.add_column(sa.Column("removed_at", sa.Float(), nullable=True))
        datasets.create_index("ix_datasets_root", ["root"], unique=False)
    for column in (
        sa.Column("recorded_part", sa.Text(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("is_grey", sa.Boolean(), nullable=True),
        sa.Column("is_misnamed", sa.Boolean(), nullable=True),
    ):
        op.add_column("items", column)
    given = sa.Column("is_given", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("splits", given)
    op.create_table(
        "downloads",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("dataset_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("content_hash", sa.Text(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("n_tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_downloads_dataset_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_downloads")),
        sa.UniqueConstraint(
            "dataset_id", "label", "url", name=op.f("uq_downloads_dataset_id_label_url")
        ),
    )
    op.create_index("ix_downloads_status", "downloads", ["dataset_id", "status"], unique=False)
