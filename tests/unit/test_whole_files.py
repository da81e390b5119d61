"""Files that appear whole or not at all, and take nothing away that is not theirs."""

import pytest

from chipwise.whole_files import beside, write_text


def test_a_file_takes_no_folder_away(tmp_path):
    place = tmp_path / "kept"
    place.mkdir()
    (place / "work").write_text("hours")
    with pytest.raises(OSError, match="kept"):
        write_text(place, "text")
    assert (place / "work").read_text() == "hours"
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_a_folder_takes_the_place_of_the_one_before(tmp_path):
    place = tmp_path / "made"
    for text in ("first", "second"):
        with beside(place) as new:
            new.mkdir()
            (new / text).touch()
    assert [p.name for p in place.iterdir()] == ["second"]


def test_a_failure_leaves_the_old_file(tmp_path):
    place = tmp_path / "a"
    write_text(place, "old")
    with pytest.raises(UnicodeEncodeError):
        write_text(place, "half, then \ud800")
    assert place.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
