"""The studio played in real time."""

from engine.live.studio import play_studio

ADDRESS = "studio:wave?cameras=3&seed=2&seconds=1&size=160x120&drops=0.2"


def test_a_studio_that_is_played_has_its_truth_and_its_cameras_in_real_time():
    studio, sources = play_studio(ADDRESS)
    assert [one.name for one in sources] == list(studio.rig.names)
    assert all(one.source.live and one.address == ADDRESS for one in sources)
