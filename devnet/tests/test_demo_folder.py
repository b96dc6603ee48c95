"""The demo's folder: one demo at a time, and never the folder of a real gateway."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cloudpay.kernel.errors import ConfigurationError
from cloudpay_devnet.commands import demo_folder as folders
from cloudpay_devnet.commands.demo_folder import FolderInUse, demo_folder


def test_a_second_demo_in_a_folder_is_refused_from_the_first_moment(tmp_path: Path) -> None:
    with (
        demo_folder(tmp_path / "demo"),
        pytest.raises(FolderInUse, match="runs in"),
        demo_folder(tmp_path / "demo"),
    ):
        pass
    with demo_folder(tmp_path / "demo") as folder:
        assert folder.stat().st_mode & 0o077 == 0


def test_what_a_killed_demo_left_running_is_waited_for(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as left:
        (tmp_path / "demo.json").write_text(json.dumps({"processes": {"web": [left.pid]}}))
        ended = threading.Timer(0.5, left.communicate)
        ended.start()
        with demo_folder(tmp_path):
            assert left.poll() is not None
            assert not (tmp_path / "demo.json").exists()
        ended.join()


def test_an_id_that_is_somebody_elses_by_now_does_not_hold_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_LEFT_SECONDS", 0.2)
    (tmp_path / "demo.json").write_text(json.dumps({"processes": {"web": [os.getpid()]}}))
    with demo_folder(tmp_path):
        assert not (tmp_path / "demo.json").exists()


@pytest.mark.parametrize("name", ["app.key", "seal.key", "cloudpay.db", "cloudpay.toml"])
def test_the_folder_of_a_real_gateway_is_never_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("precious")
    with pytest.raises(FolderInUse, match="not made by a demo"), demo_folder(tmp_path):
        pass
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_given_folder_keeps_what_is_in_it_and_the_default_one_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    with demo_folder(tmp_path) as folder:
        (folder / "chains").mkdir()
        (folder / "app.key").write_text("kept")
    with demo_folder(tmp_path) as folder:
        assert (folder / "app.key").exists()
        assert (folder / ".gitignore").read_text() == "mine\n"
    monkeypatch.setattr(folders, "DEFAULT_DIR", tmp_path)
    with demo_folder(None) as folder:
        assert {each.name for each in folder.iterdir()} == {".cloudpay-demo", ".gitignore"}


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="--data-dir"), demo_folder(tmp_path / "file" / "demo"):
        pass
