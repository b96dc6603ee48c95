"""What the doctor says of the key files, for one system user and for two."""

from pathlib import Path

import pytest

from cloudpay.app.doctor import Finding, examine
from cloudpay.kernel.secrets import read_or_create_key
from cloudpay.kernel.settings import Settings


def _keys(folder: Path) -> list[Finding]:
    return [each for each in examine(Settings(data_dir=str(folder))) if each.subject == "keys"]


@pytest.fixture
def seal_key(tmp_path: Path) -> Path:
    read_or_create_key(tmp_path / "seal.key")
    return tmp_path / "seal.key"


def test_keys_as_they_are_made_are_well(tmp_path: Path, seal_key: Path) -> None:
    assert [each.ok for each in _keys(seal_key.parent)] == [True, True]


@pytest.mark.parametrize(("mode", "fine"), [(0o640, True), (0o644, False), (0o660, False)])
def test_the_app_key_may_be_read_by_its_group_and_changed_by_nobody(
    tmp_path: Path, mode: int, fine: bool
) -> None:
    read_or_create_key(tmp_path / "app.key")
    (tmp_path / "app.key").chmod(mode)
    assert [each.ok for each in _keys(tmp_path)] == [fine]


def test_the_seal_key_is_its_owners_alone(tmp_path: Path, seal_key: Path) -> None:
    seal_key.chmod(0o640)
    found = _keys(tmp_path)
    assert [each.ok for each in found] == [True, False]
    assert f"chmod 600 {seal_key}" in found[1].says


def test_a_seal_key_behind_another_users_folder_is_well(
    tmp_path: Path, seal_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stat = Path.stat

    def guarded(path: Path, *, follow_symlinks: bool = True) -> object:
        if path == seal_key:
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(Path, "stat", guarded)
    assert [each.ok for each in _keys(tmp_path)] == [True, True]
