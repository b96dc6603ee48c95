"""What others have written is shown as they wrote it: it neither formats a table nor steers a terminal."""

from dataclasses import dataclass

import pytest

from cloudpay.cli.output import show_one, show_rows


@dataclass(frozen=True)
class Row:
    """Something with words that a node or a buyer chose."""

    name: str
    error: str


ROW = Row("ACME [/b] Ltd", "no blocks [from block=5]\x1b[2J\x9b1A\nAll is well.")


def test_words_in_brackets_are_shown_and_control_characters_are_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_rows([ROW], ["name", "error"], as_json=False, empty="")
    show_one(ROW, as_json=False)
    out = capsys.readouterr().out
    assert out.count("ACME [/b] Ltd") == out.count("no blocks [from block=5]") == 2
    assert not {"\x1b", "\x9b"} & set(out)
    assert len(out.splitlines()) == 4, "a line break of theirs is none of ours"


def test_json_keeps_what_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([ROW], ["name"], as_json=True, empty="")
    assert "\\u001b[2J" in capsys.readouterr().out
