"""What readers of archives raise on damaged bytes, as one sentence that names the archive."""

import errno
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from core.domain.errors import ArchiveError
from core.store import files

# What zipfile, tarfile and the decompressors are known to raise; anything else is a bug and shows.
READER_ERRORS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
)
MOST_CHARACTERS = 160


@contextmanager
def named(path: str) -> Iterator[None]:
    """Turn what a reader raises inside the block into an ArchiveError that names the archive.

    Only calls that read belong inside: an error of writing would be called damage, too.
    """
    try:
        yield
    except NotImplementedError as error:
        raise ArchiveError(
            f"The archive {shown(path)} is packed in a way that Winnow does not read ({error}).",
            hint="Unpack it with the program that made it, then open the folder.",
        ) from error
    except OSError as error:
        if error.errno in (None, errno.EINVAL):  # decompressors use it without a number
            raise damaged(path, error.strerror or str(error)) from error
        raise ArchiveError(
            f"The archive {shown(path)} cannot be read: {error.strerror}.",
            hint="Check its drive, then try again.",
        ) from error
    except READER_ERRORS as error:
        raise damaged(path, _in_words(error)) from error


def damaged(path: str, reason: str) -> ArchiveError:
    """Make the error that says that an archive is damaged, and how that showed."""
    return ArchiveError(
        f"The archive {shown(path)} is damaged or incomplete: {shown(reason.rstrip('.'))}.",
        hint="Copy or download it again; nothing of it was kept.",
    )


def shown(value: str) -> str:
    """Write a name from outside so that any sentence, and the database, can hold it.

    An upload is called by its own name: where Winnow keeps it means nothing to a person.
    """
    value = value.removeprefix(str(files.uploads_folder().resolve()))
    value = re.sub(r"^/upload-[0-9a-f]+/", "", value)
    short = value if len(value) <= MOST_CHARACTERS else f"{value[:MOST_CHARACTERS]}…"
    return short if short.isprintable() else ascii(short)


def _in_words(error: Exception) -> str:
    if isinstance(error, zipfile.BadZipFile) and "not a zip" in str(error):
        return "its list of contents, which stands at the end, is missing"
    if isinstance(error, EOFError):
        return "it ends too early"
    if isinstance(error, UnicodeDecodeError):
        return "one of its names is not valid text"
    return str(error) or type(error).__name__
