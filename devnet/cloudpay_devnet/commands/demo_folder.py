"""The demo's folder: one demo at a time, and never the folder of a real gateway."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cloudpay.kernel.errors import ConfigurationError
from cloudpay_devnet.commands.demo_file import DEFAULT_DIR, FILE_NAME, read_demo
from cloudpay_devnet.errors import DevnetError, NotInTime
from cloudpay_devnet.waiting import wait_for

_MARK = ".cloudpay-demo"
_LEFT_SECONDS = 12.0  # more than a supervised process is given to stop
_OF_A_GATEWAY = ("app.key", "seal.key", "cloudpay.db", "cloudpay.toml")


class FolderInUse(DevnetError):
    """The folder is not this demo's to use."""

    code = "folder_in_use"


@contextmanager
def demo_folder(data_dir: Path | None) -> Iterator[Path]:
    """Hold the folder, made ready; the default one is emptied. Raises `FolderInUse`, `ConfigurationError`."""
    folder = data_dir or DEFAULT_DIR
    _check_maker(folder, ours=data_dir is None)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        mark = (folder / _MARK).open("a")
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} cannot be used: {error.strerror}. Name another one with --data-dir."
        ) from error
    with mark:
        try:
            fcntl.flock(
                mark, fcntl.LOCK_EX | fcntl.LOCK_NB
            )  # let go by the system, however this process ends
        except BlockingIOError:
            raise _in_use(folder) from None
        _let_end(folder)
        if data_dir is None:
            _empty(folder)
        if not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text("*\n")
        (folder / FILE_NAME).unlink(missing_ok=True)
        yield folder


def _check_maker(folder: Path, *, ours: bool) -> None:
    """Refuse what a demo did not make: the default folder is emptied, and a gateway's files would be written over."""
    if not folder.exists() or (folder / _MARK).exists():
        return
    if ours or any((folder / name).exists() for name in _OF_A_GATEWAY):
        raise FolderInUse(f"{folder} was not made by a demo. Move it away, or choose another --data-dir.")


def _in_use(folder: Path) -> FolderInUse:
    return FolderInUse(f"A demo runs in {folder} already. Stop it, or choose another --data-dir.")


def _empty(folder: Path) -> None:
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        elif each.name != _MARK:
            each.unlink()


def _let_end(folder: Path) -> None:
    """Wait for what a killed demo left, which is on its way out; ids alive after that have become somebody else's."""
    with suppress(NotInTime):
        wait_for(
            "end of the last demo", lambda: None if _is_running(folder) else True, _LEFT_SECONDS, every=0.1
        )


def _is_running(folder: Path) -> bool:
    if not (folder / FILE_NAME).exists():
        return False
    for pid in (pid for pids in read_demo(folder)["processes"].values() for pid in pids):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            continue
        except PermissionError:
            return True
        return True
    return False
