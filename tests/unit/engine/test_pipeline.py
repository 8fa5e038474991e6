"""The table of stages, and the pipeline that runs it."""

from dataclasses import fields

from engine.frames import FrameSet
from engine.pipeline import STAGES, Pipeline


def test_every_stage_is_a_field_of_the_pipeline_in_the_same_order():
    names = [stage.name for stage in STAGES]
    assert [field.name for field in fields(Pipeline) if field.name in names] == names


def test_a_stage_reads_only_what_the_frameset_or_an_earlier_stage_gave():
    known = {"frames", "rig"}
    for stage in STAGES:
        assert known.issuperset(stage.reads)
        known.add(stage.makes)
    assert known.issuperset(("poses_2d", "poses_3d"))


def test_the_stages_run_in_order_and_each_sink_gets_the_result():
    got = []

    class Sink:
        def put(self, frames, poses_2d, poses_3d):
            got.append((frames.index, poses_2d, poses_3d))

    Pipeline(
        [FrameSet(7, 0, ())],
        estimate=lambda frames: ["estimate", frames.index],
        associate=lambda poses, rig: [*poses, "associate", rig],
        reconstruct=lambda poses, rig: [*poses, "reconstruct", rig],
        smooth=lambda poses: [*poses, "smooth"],
        sinks=[Sink(), Sink()],
        rig=lambda: "rig",
    ).run()
    associated = ["estimate", 7, "associate", "rig"]
    assert got == [(7, associated, [*associated, "reconstruct", "rig", "smooth"])] * 2
