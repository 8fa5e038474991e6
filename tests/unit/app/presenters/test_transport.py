"""Where the player is while it plays, with time invented."""

import pytest

from app.presenters.transport import Transport

TAKE = Transport(count=300, rate_fps=30.0)


def test_it_plays_in_real_time():
    playing = TAKE.toggle(10.0)
    assert [playing.at(10.0 + seconds).instant for seconds in (0, 0.02, 1 / 30, 1, 9.5)] == [
        0,
        0,
        1,
        30,
        285,
    ]


@pytest.mark.parametrize(("speed", "instant"), [(0.5, 15), (1.0, 30), (2.0, 60)])
def test_it_plays_at_other_speeds(speed, instant):
    assert TAKE.with_speed(speed, 0.0).toggle(0.0).at(1.0).instant == instant


def test_another_speed_goes_on_from_where_it_is():
    faster = TAKE.toggle(0.0).with_speed(2.0, 2.0)
    assert faster.instant == 60
    assert faster.at(3.0).instant == 120


def test_it_stands_at_the_end_and_plays_from_the_beginning_again():
    ended = TAKE.toggle(0.0).at(100.0)
    assert (ended.instant, ended.playing) == (299, False)
    assert ended.toggle(200.0).at(201.0).instant == 30


def test_a_jump_while_it_plays_goes_on_from_there():
    assert TAKE.toggle(0.0).at(1.0).seek(200, 1.0).at(2.0).instant == 230


def test_a_step_stands_and_stays_within_the_take():
    stepped = TAKE.toggle(0.0).at(1.0).step(-1)
    assert (stepped.instant, stepped.playing) == (29, False)
    assert TAKE.step(-5).instant == 0
    assert TAKE.step(1000).instant == 299


def test_a_take_of_one_instant_does_not_play():
    assert not Transport(count=1).toggle(0.0).playing
    assert not Transport().toggle(0.0).playing
    assert Transport().step(1).instant == 0


def test_a_second_has_as_many_instants_as_the_rate():
    assert Transport(count=10, rate_fps=59.94).count_instants(1.0) == 60
    assert Transport(count=10, rate_fps=0.2).count_instants(1.0) == 1
