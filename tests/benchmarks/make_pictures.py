"""The README's pictures, made anew: python tests/benchmarks/make_pictures.py FOLDER BEAM_SESSION [TAUGHT]

FOLDER gets each picture at 1280x720 and at 3840x2160. BEAM_SESSION is what `epipole track` made of data/beam; TAUGHT is
where `bench_finetune.py` left its run, for the page that teaches.
"""

import os
import shutil
import sys
import time
from pathlib import Path

from app.application import Application, make_application
from app.requests import OpenSession, StopRecording
from app.settings import Settings
from app.snapshot import offscreen_application

SIZES_WH = ((1280, 720), (3840, 2160))
LONGEST_S = 240.0


def main(folder: Path, beam: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    running = offscreen_application()
    app = make_application(Settings(stature_m=1.75, sessions=str(folder / "takes")), None)
    app.window.show()
    take = folder / "takes" / f"walk-{time.time():.0f}"
    app.control.record_to(take)
    app.control.start(("studio:?cameras=4&seconds=600&seed=21",))
    wait(running, lambda: app.control.look()[0].calibration.progress > 0.6)
    shoot(running, app, folder / "coaching")
    wait(running, lambda: app.control.look()[0].calibration.rig is not None)
    wait(running, seconds=14)
    shoot(running, app, folder / "window")
    app.window.toggle_plots()
    wait(running, seconds=8)
    shoot(running, app, folder / "plots")
    app.window.toggle_plots()
    app.control.ask(StopRecording())
    wait(running, lambda: app.control.look()[0].recording is None)
    wait(running, seconds=13)  # the good news of the recording leaves by itself
    for name, session in (("player", take), ("beam", beam)):
        app.window.asked.emit(OpenSession(session))
        wait(running, seconds=6)
        for _ in range(3):
            app._player.step(30)
            wait(running, seconds=1)
        shoot(running, app, folder / name)
    app.window.close()


def shoot_teaching(folder: Path, taught: Path) -> None:
    """Show the run of the bench as the window shows one's own."""
    data = folder / "data"
    run = next((taught / "runs" / "person").glob("studio-*"))
    leave_out = shutil.ignore_patterns("samples", "*.pt")
    shutil.copytree(run, data / "epipole" / "runs" / run.name, ignore=leave_out, dirs_exist_ok=True)
    session = next(taught.glob("person-*"))
    os.environ |= {"XDG_DATA_HOME": str(data), "EPIPOLE_NETWORKS": str(taught / "networks")}
    running = offscreen_application()
    app = make_application(Settings(sessions=str(session)), None)
    app.window.show()
    app.window.show_page("Teach")
    wait(running, seconds=4)
    shoot(running, app, folder / "teach")
    app.window.close()


def wait(running, done=lambda: False, seconds: float = LONGEST_S) -> None:
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s and not done():
        running.processEvents()
        time.sleep(0.01)


def shoot(running, app: Application, path: Path) -> None:
    for width, height in SIZES_WH:
        app.window.resize(width, height)
        wait(running, seconds=1.5)
        app.window.grab().save(f"{path}-{width}.png")
    app.window.resize(*SIZES_WH[0])
    wait(running, seconds=0.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
    for taught in sys.argv[3:]:
        shoot_teaching(Path(sys.argv[1]), Path(taught))
