"""Make the README's pictures.

``python tests/benchmarks/make_pictures.py FOLDER BEAM_SESSION [TRAINED]``

FOLDER gets each picture at 1280x720 and at 3840x2160. BEAM_SESSION is what `epipole track` made of
data/beam; TRAINED is where `bench_finetune.py` left its run, for the Fine-tune page.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from app.requests import OpenSession, StopRecording
from app.settings import Settings
from app.window.application import Application, make_application
from app.window.snapshot import get_offscreen_application

SIZES_WH = ((1280, 720), (3840, 2160))
MAX_WAIT_S = 240.0


def main(folder: Path, beam: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    running = get_offscreen_application()
    app = make_application(Settings(stature_m=1.75, sessions=str(folder / "takes")), None)
    app.window.show()
    recording = folder / "takes" / f"walk-{time.time():.0f}"
    app.control.record_to(recording)
    app.control.start(("studio:?cameras=4&seconds=600&seed=21",))
    process_events(running, lambda: app.control.snapshot()[0].calibration.progress > 0.6)
    save_screenshots(running, app, folder / "coaching")
    process_events(running, lambda: app.control.snapshot()[0].calibration.rig is not None)
    process_events(running, seconds=14)
    save_screenshots(running, app, folder / "window")
    app.window.toggle_plots()
    process_events(running, seconds=8)
    save_screenshots(running, app, folder / "plots")
    app.window.toggle_plots()
    app.handle(StopRecording())
    process_events(running, lambda: app.control.snapshot()[0].recording is None)
    process_events(running, seconds=13)  # the good news of the recording leaves by itself
    for name, session in (("player", recording), ("beam", beam)):
        app.window.requested.emit(OpenSession(session))
        process_events(running, seconds=6)
        for _ in range(3):
            app._player.step(30)
            process_events(running, seconds=1)
        save_screenshots(running, app, folder / name)
    app.window.close()


def save_finetune_screenshots(folder: Path, bench_folder: Path) -> None:
    """Show the run of the bench as the window shows one's own."""
    data = folder / "data"
    run = next((bench_folder / "runs" / "person").glob("studio-*"))
    leave_out = shutil.ignore_patterns("samples", "*.pt")
    shutil.copytree(run, data / "epipole" / "runs" / run.name, ignore=leave_out, dirs_exist_ok=True)
    session = next(bench_folder.glob("person-*"))
    os.environ |= {"XDG_DATA_HOME": str(data), "EPIPOLE_NETWORKS": str(bench_folder / "networks")}
    running = get_offscreen_application()
    app = make_application(Settings(sessions=str(session)), None)
    app.window.show()
    app.window.show_page("Fine-tune")
    process_events(running, seconds=4)
    save_screenshots(running, app, folder / "finetune")
    app.window.close()


def process_events(running, done=lambda: False, seconds: float = MAX_WAIT_S) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s and not done():
        running.processEvents()
        time.sleep(0.01)


def save_screenshots(running, app: Application, path: Path) -> None:
    for width, height in SIZES_WH:
        app.window.resize(width, height)
        process_events(running, seconds=1.5)
        app.window.grab().save(f"{path}-{width}.png")
    app.window.resize(*SIZES_WH[0])
    process_events(running, seconds=0.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
    for trained in sys.argv[3:]:
        save_finetune_screenshots(Path(sys.argv[1]), Path(trained))
