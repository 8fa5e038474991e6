"""`epipole track`: videos and a rig to a session with the person's joints in the room."""

from argparse import Namespace
from contextlib import ExitStack

from app.errors import UsageError
from app.matching import rig_for_views
from app.mend import mend_sessions
from app.observe import Observed, observe
from app.outcome import tell
from app.recording import TakeRecording
from calibration.rig import Rig, load_rig
from calibration.skeleton import load_skeleton
from engine import offline
from engine.capture.sources import Footage, open_inputs
from engine.coach import ONE_CAMERA_GUESSED
from engine.inference.model_card import load_card
from engine.lift_network import NONE, load_lifter
from engine.lift_take import TakeLift, lifted_count, reconstruct_alone
from engine.one_camera import guess_rig, is_guessed


def run(options: Namespace) -> int:
    """Find the person in every video, and reconstruct the joints.

    Parameters
    ----------
    options
        `inputs`, `rig`, `out`, `model`, `stature`, `lift`.

    Returns
    -------
    code
        0.

    Raises
    ------
    UsageError
        If there are several views and no rig.
    EngineError
        If a network is missing, nobody is in view, or the disk refuses.
    """
    mend_sessions(options.inputs)
    given = load_rig(options.rig) if options.rig is not None else None
    with ExitStack() as stack:
        footage = stack.enter_context(open_inputs(options.inputs))
        rig = _rig(options, given, footage)
        lift = _lift(options, footage, rig, stack)
        recording = stack.enter_context(TakeRecording(options.out, footage, options.model, _settings(options)))
        if not is_guessed(rig):
            recording.keep_rig(rig)
        sinks = (lift,) if lift is not None else ()
        observed = observe(recording.footage, options.model, recording.keep_raw_poses, sinks)
        found = _reconstructed(observed, rig, lift, _stature_m(options, footage))
        recording.keep_reconstruction(found)
    _say(options, observed, found, rig)
    return 0


def _rig(options: Namespace, given: Rig | None, footage: Footage) -> Rig:
    """Say where the cameras stand; for one camera alone that may be made up."""
    sizes_wh = [source.size_wh for source in footage.sources]
    if given is not None:
        return rig_for_views(given, footage.views, sizes_wh, options.rig)
    if len(footage.views) == 1:
        return guess_rig(footage.views[0], sizes_wh[0])
    raise UsageError(
        f"'epipole track' needs --rig for {len(footage.views)} cameras; 'epipole calibrate' makes one. "
        "Only one camera alone can do without."
    )


def _lift(options: Namespace, footage: Footage, rig: Rig, stack: ExitStack) -> TakeLift | None:
    """Load what sees depth with one camera, where there is only one, or it was asked for by name."""
    one = len(footage.views) == 1
    if not one and not options.lift:
        return None
    person = footage.session.facts.person if footage.session is not None else ""
    lifter = load_lifter(options.lift, person, rig=None if is_guessed(rig) else rig)
    if lifter is None:
        if one:
            raise UsageError(f"One camera alone needs a network that sees depth; --lift {NONE} leaves nothing to do.")
        return None
    stack.callback(lifter.close)
    return TakeLift(lifter, load_skeleton(load_card(options.model).skeleton))


def _stature_m(options: Namespace, footage: Footage) -> float | None:
    """Return the person's stature, as given or as in the session; None where it is not known."""
    return options.stature or (footage.session.facts.stature_m if footage.session is not None else None)


def _settings(options: Namespace) -> dict[str, object]:
    """Say what was asked for."""
    settings: dict[str, object] = {"rig": str(options.rig) if options.rig is not None else ""}
    return settings | ({"stature_m": options.stature} if options.stature else {})


def _reconstructed(
    observed: Observed, rig: Rig, lift: TakeLift | None, stature_m: float | None
) -> offline.Reconstruction:
    """Put the person into the room, by all views and, where there is only one, by that."""
    if len(rig) == 1 and lift is not None:
        return reconstruct_alone(observed.take, lift, rig, stature_m)
    found = offline.reconstruct_take_in_room(observed.take, rig)
    return lift.filled(found, rig, stature_m) if lift is not None else found


def _say(options: Namespace, observed: Observed, found: offline.Reconstruction, rig: Rig) -> None:
    """Say what came of it, and what comes next."""
    there, lifted = sum(bool(poses.people) for poses in found.poses_3d), lifted_count(found.poses_3d)
    print(f"\nThe person was reconstructed in {there} of {len(found.poses_3d)} framesets.")
    if len(rig) == 1:
        tell([ONE_CAMERA_GUESSED])
    elif lifted:
        print(f"In {lifted} of them one camera alone saw some joints; their depth is a guess ('views' is 1).")
    tell((*observed.remarks, *found.remarks))
    print(f"Session  {options.out}")
    print(f"Next     epipole export {options.out} --format csv --out {options.out.name}.csv")
