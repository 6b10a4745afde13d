"""`LocalFolder`: files below a folder of this machine, or one that it has mounted."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from io import BytesIO
from stat import S_ISREG
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Final

from prefectx.errors import StoreUnreachable, UnsafeTarget, UntrustedTarget
from prefectx.stores.folders.base import MARK, NO_SUCH_FILE, NOTE, RESERVED, Folder, Note
from prefectx.stores.folders.opened import Descriptors, file_of_copy

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from types import TracebackType

    from prefectx.stores.folders.atomic import WholeFiles

_READER: Final[Any] = partial(open, mode="rb")
_SMALL: Final = 1 << 16
# Not blocking, for to open a pipe would be to wait for who writes to it.
_READING: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NONBLOCK", 0)
)


class _Read(BytesIO):
    """A file that was read whole."""

    #: What the system said of it then.
    found: os.stat_result


class LocalFolder(Folder):
    """Stores each file below a folder: written without a name or under another, then named.

    Args:
        root: The folder, relative to the current one or absolute.
        durable: Whether a file that was written outlasts a power cut.
    """

    def __init__(self, root: str, *, durable: bool = False) -> None:
        self.durable: Final = durable
        # The current folder may change before a file is asked for, so "." is not resolved here.
        self._prefix: Final = "" if root == "." else os.path.join(root, "")
        self._files: WholeFiles | None = None

    @property
    def prefix(self) -> str:
        """The root with a slash, as it was given; "" for the current folder."""
        return self._prefix

    def location(self, name: str) -> str:
        """Return the file's path as seen from the current folder."""
        return name if name.startswith("/") else self._prefix + name

    def path(self, name: str) -> str:
        """Return the file's absolute path."""
        try:
            return os.path.abspath(self.location(name))
        except FileNotFoundError:
            msg = (
                f"the current folder was removed, so {self.location(name)!r} is nowhere. Change"
                " to a folder that is there, or give the store an absolute root"
            )
            raise StoreUnreachable(msg) from None

    def exists(self, name: str) -> bool:
        """Tell whether the file exists, with one system call."""
        return _is_file(self.location(name))

    def open(self, name: str) -> BinaryIO:
        """Open the file; a small one is read at once, which costs half of what `open` does."""
        return self._open(name, _no_mark)[0]

    def open_marked(self, name: str) -> tuple[BinaryIO, str | None]:
        """Open the file; return it with the mark that it carries."""
        return self._open(name, _mark_of)

    def _open(self, name: str, mark_of: Callable[[int], str | None]) -> tuple[BinaryIO, str | None]:
        opened = Descriptors()
        try:
            descriptor = opened.open(self.location(name), _READING)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            # A link to itself leads nowhere, as one to what is not there does.
            raise FileNotFoundError(errno.ENOENT, "a link in a loop", self.path(name)) from None
        try:
            found = os.fstat(descriptor)
            if not S_ISREG(found.st_mode):
                # A folder, a pipe, a device: `exists` says no of it.
                raise FileNotFoundError(errno.ENOENT, "this is no file", self.path(name))
            if found.st_size <= _SMALL:
                file = _Read(os.read(descriptor, found.st_size))
                file.found = found
                return file, mark_of(descriptor)
            large: BinaryIO = file_of_copy(descriptor, _READER)
            return large, mark_of(descriptor)
        finally:
            opened.close()

    def local_path(self, name: str) -> str | None:
        """Return the file's path as seen from the current folder."""
        return self.location(name)

    def check_owned(self, file: BinaryIO) -> None:
        """Raise `UntrustedTarget` for a file of another user, or that others may write."""
        found = file.found if isinstance(file, _Read) else os.fstat(file.fileno())
        if os.name != "posix":
            return
        if found.st_uid != os.geteuid():
            msg = f"belongs to another user (uid {found.st_uid})"
            raise UntrustedTarget(msg)
        if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            msg = f"may be written by others (mode {stat.filemode(found.st_mode)}; chmod go-w)"
            raise UntrustedTarget(msg)

    def write(
        self, name: str, dump: Callable[[IO[bytes]], object], note: Note | None = None
    ) -> None:
        """Write the file without a name, or under another one in the same folder; then name it.

        Args:
            name: The file's name.
            dump: Writes its content.
            note: What is to be kept with the file, as an extended attribute.

        Raises:
            FileInTheWay: A file lies where one of the folders above would have to be.
            FolderInTheWay: A folder lies where the file would have to be.
            UnsafeTarget: A symbolic link leads out of the root.
        """
        self._check_inside(name)
        if self._files is None:
            from prefectx.stores.folders.atomic import WholeFiles

            self._files = WholeFiles(durable=self.durable)
        with self._folder_of(name, self._files) as folder:
            self._files.write(folder, self.location(name), dump, note)

    @contextmanager
    def _folder_of(self, name: str, files: WholeFiles | None = None) -> Generator[str]:
        """Give a path that leads to the folder of a file, and nowhere else while it is used.

        Args:
            name: The file's name.
            files: Makes the folder if it is not there.
        """
        from prefectx.stores.folders.descriptors import can_open_folders, folder_below

        whole = os.path.dirname(self.location(name)) or "."
        if name.startswith("/") or not can_open_folders():
            if files is not None:
                files.make_folder(whole)
            yield whole
            return
        root, parts = self._root_of(name)
        if files is not None:
            files.make_folder(root)
        made = None if files is None else files.sync_folder_of
        with folder_below(root, parts, made) as folder:
            try:
                yield folder
            except OSError as error:
                # By the names that people know.
                own = "" if whole == "." else f"{whole}/"
                for kind in ("filename", "filename2", "strerror"):
                    text: object = getattr(error, kind)
                    if isinstance(text, str) and f"{folder}/" in text:
                        setattr(error, kind, text.replace(f"{folder}/", own))
                raise

    def note(self, name: str) -> bytes | None:
        """Return the note that is stored with the file, if one is."""
        if not hasattr(os, "getxattr"):
            return None
        try:
            return os.getxattr(self.location(name), NOTE)
        except OSError:
            # There is no such file, it has no note, or nothing has notes there.
            return None

    def mark(self, name: str) -> str | None:
        """Return the mark that is stored with a file that has a note, if one is."""
        return _mark_of(self.location(name))

    def delete(self, name: str) -> None:
        """Remove the file.

        Raises:
            UnsafeTarget: A symbolic link leads out of the root.
        """
        self._check_inside(name)
        from contextlib import suppress

        with suppress(*NO_SUCH_FILE), self._folder_of(name) as folder:
            os.unlink(f"{folder}/{os.path.basename(name)}")

    def list(self, prefix: str) -> Iterator[str]:
        """Give the files below the root, folder by folder."""
        root = self._prefix or "./"
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if name != RESERVED)
            inside = os.path.relpath(folder, root)
            for name in sorted(files):
                target = name if inside == "." else f"{inside}/{name}"
                if not name.startswith(RESERVED) and target.startswith(prefix):
                    yield target

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Hold a lock of the kernel's, or where there is none, one with a heartbeat."""
        from prefectx.stores.locks.file_lock import lock_of, locked_file

        folder, file = lock_of(name)
        self._check_inside(f"{folder}/{file}")
        return _Lock(locked_file(self.path(folder), file, repr(name)), name, self.path(folder))

    def removal(self, name: str) -> str:
        """Return the shell's command."""
        import shlex

        return f"rm {shlex.quote(self.path(name))}"

    def _check_inside(self, name: str) -> None:
        """Raise `UnsafeTarget` if a symbolic link leads from the root to elsewhere."""
        if name.startswith("/"):
            return
        root, folder = self._root_of(name)
        path = root
        for part in folder:
            path = f"{path}/{part}"
            # Most targets have no link among their folders: check that first, because it is quick.
            if os.path.islink(path) and not _is_below(path, root):
                msg = (
                    f"{self.location(name)!r} is behind the symbolic link {path!r}, which leads"
                    f" to {os.path.realpath(path)!r}, outside of the store: nothing is written or"
                    f" removed there. To keep outputs there, let a store begin there:"
                    f" Filestore({os.path.realpath(path)!r})"
                )
                raise UnsafeTarget(msg)

    def _root_of(self, name: str) -> tuple[str, Sequence[str]]:
        """Return the folder that a name may not leave, and the folders below it."""
        root, folder = self._prefix or ".", name.split("/")[:-1]
        # Only the literal start of a template goes up, by the will of its author.
        while folder and folder[0] == "..":
            root = os.path.join(root, folder.pop(0))
        return root, folder


class _Lock(AbstractContextManager[None]):
    """A lock which says of what, if it cannot be had."""

    def __init__(self, lock: AbstractContextManager[None], name: str, folder: str) -> None:
        self._lock = lock
        self._name = name
        self._folder = folder

    def __enter__(self) -> None:
        try:
            self._lock.__enter__()
        except OSError as error:
            from prefectx.stores.messages import note_unwritten

            what = f"The lock of target {self._name!r} (once=True or rerun_on)"
            note_unwritten(error, what, self._folder)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.__exit__(kind, error, traceback)


def _mark_of(file: str | int) -> str | None:
    """Return the mark that a file carries, by its path or its descriptor."""
    # Another program may have written anything.
    try:
        return os.getxattr(file, MARK).decode(errors="replace")
    except (OSError, AttributeError):
        # There is no such file, it has no mark, or this system has no such function.
        return None


def _no_mark(_: int) -> None:
    """Ask for no mark."""


def _is_file(path: str) -> bool:
    try:
        return S_ISREG(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        # A link to itself leads nowhere, as one to what is not there does.
        if error.errno == errno.ELOOP:
            return False
        raise


def _is_below(path: str, root: str) -> bool:
    real, root = os.path.realpath(path), os.path.realpath(root)
    return os.path.commonpath([real, root]) == root
