"""Images that come in a zip or a tar: looked at, stored when uploaded, and unpacked safely."""

from core.datasets.archives.budget import (
    MAX_BYTES,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_RATIO,
    Reporter,
)
from core.datasets.archives.kinds import ArchiveInfo, check
from core.datasets.archives.unpacking import unpack
from core.datasets.archives.uploads import drop_upload, is_upload, save_upload

__all__ = [
    "MAX_BYTES",
    "MAX_FILES",
    "MAX_FILE_BYTES",
    "MAX_RATIO",
    "ArchiveInfo",
    "Reporter",
    "check",
    "drop_upload",
    "is_upload",
    "save_upload",
    "unpack",
]
