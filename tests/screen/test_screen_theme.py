"""Colours that can be read in the sun, or a word about which cannot."""

import json
from pathlib import Path

import pytest

from kiosk.screen import icons, theme


@pytest.mark.parametrize("night", [False, True], ids=["day", "night"])
def test_our_own_colours_are_readable(night: bool) -> None:
    colours = theme.load(night=night)
    for front, back, least in theme.PAIRS:
        assert theme.contrast(colours[front], colours[back]) >= least, (front, back)


def test_texts_need_seven_to_one() -> None:
    assert {least for front, _, least in theme.PAIRS if front in ("ink", "ink2", "care", "stop", "goInk", "badgeInk")} == {7.0}


def test_black_on_white_is_twenty_one() -> None:
    assert theme.contrast("#000000", "#FFFFFF") == pytest.approx(21)


def changed(tmp_path: Path, **colours: object) -> Path:
    both = json.loads(theme.DEFAULT.read_text("utf-8"))
    both["day"].update(colours)
    file = tmp_path / "operator.json"
    file.write_text(json.dumps(both), "utf-8")
    return file


def test_an_operator_may_bring_a_colour(tmp_path: Path) -> None:
    assert theme.load(changed(tmp_path, go="#003A70"))["go"] == "#003A70"


@pytest.mark.parametrize(
    ("colours", "said"),
    [
        ({"go": "#40A0FF"}, "day.goInk on day.go"),
        ({"ink": "red"}, "day.ink"),
        ({"ink": 7}, "day.ink"),
    ],
)
def test_a_colour_that_cannot_be_read_is_refused_by_name(tmp_path: Path, colours: dict[str, object], said: str) -> None:
    with pytest.raises(theme.ThemeError, match=said):
        theme.load(changed(tmp_path, **colours))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"day": 5}', '{"day": {}}'])
def test_a_broken_theme_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.json"
    file.write_text(text, "utf-8")
    with pytest.raises(theme.ThemeError, match=r"broken\.json"):
        theme.load(file)


def test_every_icon_is_one_path_on_a_grid() -> None:
    drawn = icons.load()
    for name in "right left check cross clock call print lock stop globe help receipt warning closed card car price start".split():
        assert drawn[name]["d"], name
    for plug in "ccs type2 chademo nacs type1 schuko".split():
        assert drawn[f"plug-{plug}"]["solid"]
