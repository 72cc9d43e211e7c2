"""Swapping a folder of files in: all of the old or all of the new, whatever happens."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from digest.publishing import MARKER, publish
from harvester.errors import AnswersError, UsageError

FILES = (("index.html", b"one"), ("t/T-001/index.html", b"topic"))


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {MARKER}


def left_behind(folder: Path) -> set[str]:
    return {path.name for path in folder.parent.iterdir()} - {folder.name, f".{folder.name}.lock"}


def test_a_folder_of_others_is_refused_and_untouched(tmp_path: Path):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not ours"):
        publish(folder, FILES)
    assert names(folder) == {"thesis.txt"}
    with pytest.raises(UsageError, match="is a file"):
        publish(folder / "thesis.txt", FILES)
    assert left_behind(folder) == set()


@pytest.mark.parametrize("prepare", [lambda folder: None, lambda folder: folder.mkdir()])
def test_an_absent_or_empty_folder_is_filled(tmp_path: Path, prepare):
    folder = tmp_path / "deep" / "site"
    folder.parent.mkdir()
    prepare(folder)
    publish(folder, FILES)
    assert names(folder) == {"index.html", "t/T-001/index.html"}
    assert left_behind(folder) == set()


def test_unchanged_files_keep_their_time_and_changed_ones_do_not(tmp_path: Path):
    folder = tmp_path / "site"
    publish(folder, FILES)
    for name, _ in FILES:
        os.utime(folder / name, (1_000_000_000, 1_000_000_000))
    publish(folder, (("index.html", b"two"), FILES[1]))
    assert (folder / "t/T-001/index.html").stat().st_mtime == 1_000_000_000
    assert (folder / "index.html").stat().st_mtime > 1_000_000_000
    assert (folder / "index.html").read_bytes() == b"two"


def test_what_is_gone_from_the_site_is_gone_from_the_folder(tmp_path: Path):
    folder = tmp_path / "site"
    publish(folder, FILES)
    publish(folder, FILES[:1])
    assert names(folder) == {"index.html"}


def test_permissions_of_the_folder_stay(tmp_path: Path):
    folder = tmp_path / "site"
    publish(folder, FILES)
    folder.chmod(0o750)
    publish(folder, FILES)
    assert folder.stat().st_mode & 0o777 == 0o750


def test_a_linked_folder_stays_linked(tmp_path: Path):
    target, link = tmp_path / "www" / "answers", tmp_path / "w" / "site"
    target.mkdir(parents=True)
    link.parent.mkdir()
    link.symlink_to(target)
    publish(link, FILES)
    publish(link, FILES)
    assert link.is_symlink()
    assert names(target) == {"index.html", "t/T-001/index.html"}


def test_a_reader_sees_all_of_the_old_or_all_of_the_new(tmp_path: Path):
    folder = tmp_path / "site"
    publish(folder, [("index.html", b"0" * 200_000)])
    seen: list[bytes] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.append((folder / "index.html").read_bytes())

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 21):
        publish(folder, [("index.html", str(number % 10).encode() * 200_000), ("more.html", b"x" * 100_000)])
    stop.set()
    for reader in readers:
        reader.join()
    assert len(seen) > 40
    assert all(len(content) == 200_000 and len(set(content)) == 1 for content in seen)


def test_two_publishers_at_once_leave_one_whole_site(tmp_path: Path):
    folder = tmp_path / "site"
    sites = {letter: [(f"{number}.html", letter.encode() * 1_000) for number in range(40)] for letter in "abc"}

    def publish_often(letter: str) -> None:
        for _ in range(5):
            publish(folder, sites[letter])

    publishers = [threading.Thread(target=publish_often, args=(letter,)) for letter in sites]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join()
    assert len({path.read_bytes() for path in folder.glob("*.html")}) == 1
    assert len(list(folder.glob("*.html"))) == 40
    assert left_behind(folder) == set()


def test_killed_in_the_middle_leaves_the_old_site(tmp_path: Path):
    folder = tmp_path / "site"
    publish(folder, FILES)
    code = (
        "import sys, time; from pathlib import Path; from digest.publishing import publish\n"
        "def files():\n"
        "    yield 'index.html', b'half'\n"
        "    print('written', flush=True)\n"
        "    time.sleep(60)\n"
        "    yield 'more.html', b'never'\n"
        "publish(Path(sys.argv[1]), files())"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert (folder / "index.html").read_bytes() == b"one"
    assert names(folder) == {"index.html", "t/T-001/index.html"}
    publish(folder, FILES[:1])
    assert names(folder) == {"index.html"}
    assert left_behind(folder) == set()


def test_a_fault_while_writing_leaves_the_old_site(tmp_path: Path):
    folder = tmp_path / "site"
    publish(folder, FILES)
    too_long = "x" * 300
    with pytest.raises(AnswersError, match="untouched"):
        publish(folder, [("index.html", b"two"), (too_long, b"")])
    assert (folder / "index.html").read_bytes() == b"one"
    assert left_behind(folder) == set()
