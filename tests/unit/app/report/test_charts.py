"""The charts: marks where their values are, bones against people."""

import re
from xml.etree import ElementTree

import pytest

from app.report.charts import Mark, MeasuredBone, draw_bones, draw_marks


def find(svg: str, css_class: str) -> list[dict[str, str]]:
    """Find the elements of a class."""
    return [
        element.attrib
        for element in ElementTree.fromstring(svg).iter()
        if element.attrib.get("class") == css_class
    ]


def test_marks_lie_to_the_side_of_their_sign_in_proportion():
    svg = draw_marks([Mark("a", 2.0), Mark("b", -1.0), Mark("c", 0.0)], "ms")
    middle = float(find(svg, "axis")[0]["x1"])
    off = [float(mark["cx"]) - middle for mark in find(svg, "mark")]
    assert off[0] == pytest.approx(-2 * off[1], abs=0.2)
    assert off[0] > 0
    assert off[2] == pytest.approx(0, abs=0.1)


def test_whiskers_are_two_sigmas_to_either_side():
    svg = draw_marks([Mark("a", 10.0, 2.0), Mark("b", 0.0, 5.0)], "ms")
    middle = float(find(svg, "axis")[0]["x1"])
    px_per_ms = (float(find(svg, "mark")[0]["cx"]) - middle) / 10
    for whisker, sigma in zip(find(svg, "whisker"), (2.0, 5.0), strict=True):
        length = float(whisker["x2"]) - float(whisker["x1"])
        assert length == pytest.approx(4 * sigma * px_per_ms, abs=0.3)


def test_a_value_beyond_the_widest_band_is_highlighted():
    svg = draw_marks([Mark("a", 2.4), Mark("b", 1.6)], "σ", (2.0, 1.0))
    assert len(find(svg, "mark care")) == len(find(svg, "mark")) == 1
    assert len(find(svg, "band")) == 2


def test_what_is_unknown_is_said_and_not_drawn():
    svg = draw_marks([Mark("a", float("nan")), Mark("b", float("nan"), note="given")], "σ")
    assert not find(svg, "mark")
    assert "unknown" in svg
    assert "given" in svg


def test_bars_are_as_long_as_the_bones_and_people_lie_around_them():
    bones = [
        MeasuredBone("thigh", ((0.40, 2.0), (0.42, 2.0)), (0.41, 0.02)),
        MeasuredBone("shank", ((0.50, 2.0), (0.41, 2.0)), (0.40, 0.02)),
        MeasuredBone("wrist to thumb", ((0.05, 2.0),), None),
    ]
    svg = draw_bones(bones)
    thigh, twin, shank, thumb = (float(bar["width"]) for bar in find(svg, "bone"))
    (outside,) = find(svg, "bone care")
    assert twin / thigh == pytest.approx(0.42 / 0.40, rel=0.01)
    assert shank / thigh == pytest.approx(0.41 / 0.40, rel=0.01)
    assert thumb / thigh == pytest.approx(0.05 / 0.40, rel=0.02)
    assert float(outside["width"]) / thigh == pytest.approx(0.50 / 0.40, rel=0.01)
    people = find(svg, "people")
    assert len(people) == 2
    assert float(people[0]["width"]) / thigh == pytest.approx(4 * 0.02 / 0.40, rel=0.02)


@pytest.mark.parametrize("count", [2, 8])
def test_nothing_is_drawn_outside_of_a_chart(count):
    marks = [Mark(f"a camera with a long name {i}", 30.0 * (-1) ** i, 4.0) for i in range(count)]
    svg = draw_marks(marks, "ms", (2.0, 1.0))
    box = re.search(r'viewBox="0 0 (\S+) (\S+)"', svg)
    assert box
    for element in ElementTree.fromstring(svg).iter():
        anchor = element.attrib.get("text-anchor")
        if anchor is None:
            continue
        wide = 7.0 * len(element.text or "")
        left = float(element.attrib["x"]) - {"start": 0, "middle": wide / 2, "end": wide}[anchor]
        assert left >= 0
        assert left + wide <= float(box[1])
        assert float(element.attrib["y"]) <= float(box[2])
