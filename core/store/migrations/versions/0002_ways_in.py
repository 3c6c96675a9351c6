"""Ways in: one folder with several labellers, given parts, ranks, downloads, more of an image."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

GALLERY = (
    *("dataset_id", "label", "path", "status", "excluded", "recorded_label", "rank"),
    *("width_px", "height_px", "size_bytes", "format", "mode", "is_grey", "is_misnamed"),
    "name",
)
NAME = "substr(path, length(rtrim(path, replace(path, '/', ''))) + 1)"
LISTED = ("dataset_id", "label", "rank", "id", "status")
CONTENT = ("dataset_id", "content_hash", "status", "excluded", "label")


def upgrade() -> None:
    """Ways in: one folder with several labellers, given parts, ranks, downloads."""
    with op.batch_alter_table("datasets") as datasets:
        datasets.drop_constraint("uq_datasets_root", type_="unique")
        datasets.add_column(sa.Column("origin", sa.Text(), nullable=True))
        datasets.add_column(sa.Column("listing_hash", sa.Text(), nullable=True))
        datasets.add_column(sa.Column("removed_at", sa.Float(), nullable=True))
        datasets.create_index("ix_datasets_root", ["root"], unique=False)
    for column in (
        sa.Column("recorded_part", sa.Text(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=True),
        sa.Column("is_grey", sa.Boolean(), nullable=True),
        sa.Column("is_misnamed", sa.Boolean(), nullable=True),
        sa.Column("name", sa.Text(), sa.Computed(NAME), nullable=True),
    ):
        op.add_column("items", column)
    op.drop_index("ix_items_label", "items")
    op.drop_index("ix_items_content", "items")
    op.create_index("ix_items_gallery", "items", list(GALLERY), unique=False)
    op.create_index("ix_items_content", "items", list(CONTENT), unique=False)
    op.create_index(
        "ix_assignments_part", "assignments", ["split_id", "part", "item_id"], unique=False
    )
    given: sa.Column[bool] = sa.Column(
        "is_given", sa.Boolean(), nullable=False, server_default=sa.false()
    )
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
    op.create_index("ix_downloads_listed", "downloads", list(LISTED), unique=False)
