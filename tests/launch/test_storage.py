"""launch(storage=...): the folder of an application, and the port that it keeps."""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path

import pytest

from jsmeets_local import JsMeetsPy
from jsmeets_local.launch.storage import storage_folder


def launched_port(**options: object) -> int:
    """Serve an application, and stop it again."""
    app = JsMeetsPy()
    app.launch("<title>T</title>", mode="none", **options)  # type: ignore[arg-type]
    port = app.port
    app.stop()
    return port


def test_an_application_keeps_its_port(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "new" / "storage"
    port = launched_port(storage=folder)
    assert 20_000 <= port < 32_768
    assert launched_port(storage=folder) == port
    assert caplog.records == []
    with socket.create_server(("127.0.0.1", port)):
        other = launched_port(storage=folder)
    assert other != port
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert f"port {port}, at which pages keep their data in {folder}, is taken" in record.getMessage()
    assert launched_port(storage=folder) == port


def test_a_given_port_takes_precedence(tmp_path: Path) -> None:
    port = launched_port(storage=tmp_path)
    other = launched_port()
    assert launched_port(storage=tmp_path, port=other) == other
    assert launched_port(storage=tmp_path) == port


@pytest.mark.parametrize("broken", ["", "nonsense", "-3", "99999", "22", "0"])
def test_a_broken_record_is_replaced(tmp_path: Path, broken: str) -> None:
    (tmp_path / "port").write_text(broken)
    assert launched_port(storage=tmp_path) == int((tmp_path / "port").read_text()) >= 20_000


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_names_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert storage_folder("my app 2.0") == str(tmp_path / "jsmeets_local" / "my app 2.0")
    assert storage_folder(tmp_path / "here") == str(tmp_path / "here")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    assert storage_folder("a") == "/home/ann/.local/share/jsmeets_local/a"
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/x/one/app.py")
    one = storage_folder(True)
    monkeypatch.setattr(sys.modules["__main__"], "__file__", "/x/two/app.py")
    two = storage_folder(True)
    assert Path(one).name.startswith("app-")
    assert one != two
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/opt/sums/sums")
    assert Path(storage_folder(True)).name == "sums"


def test_no_name_for_a_program_without_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys.modules["__main__"], "__file__")
    with pytest.raises(ValueError, match='pass a name: storage="my-app"'):
        storage_folder(True)


@pytest.mark.parametrize(
    ("storage", "error", "text"),
    [
        (3, TypeError, 'a name such as "my-app"'),
        ("", ValueError, "letters, digits"),
        ("../up", ValueError, "pathlib.Path"),
        ("a/b", ValueError, "pathlib.Path"),
        ("..", ValueError, "letters, digits"),
    ],
)
def test_what_is_no_storage(app: JsMeetsPy, storage: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        app.launch("<p>", mode="none", storage=storage)  # type: ignore[arg-type]


def test_a_file_is_no_storage(app: JsMeetsPy, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(NotADirectoryError, match="is a file"):
        app.launch("<p>", mode="none", storage=file)
