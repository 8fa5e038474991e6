"""Progress of a whole work that consists of parts."""

from engine.offline.progress import StepProgress, scale_progress


def test_a_part_reports_its_share_within_the_whole():
    reports = []
    progress = scale_progress(reports.append, 0.2, 0.6)
    progress(StepProgress("Finding joints", 0.5, "framesets", 5, 10))
    assert reports == [StepProgress("Finding joints", 0.4, "framesets", 5, 10)]
