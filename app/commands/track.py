"""`epipole track`: videos and a rig to a session with the person's joints in the room."""

from argparse import Namespace
from contextlib import ExitStack

from app.control.match_rig import match_rig
from app.errors import UsageError
from app.observe import Observation, observe
from app.repair_sessions import repair_sessions
from app.report.calibration_output import print_messages
from app.tracked_session_writer import TrackedSessionWriter
from calibration.rig import Rig, load_rig
from calibration.skeleton import load_skeleton
from engine.live.coach import ONE_CAMERA_GUESSED
from engine.models.card import load_card
from engine.monocular.guessed_room import guess_rig, is_guessed
from engine.monocular.network import NO_MODEL, load_monocular_model
from engine.offline import recording as offline
from engine.offline.footage import Footage, open_inputs
from engine.offline.single_view import OfflineMonocular, count_monocular, reconstruct_monocular


def run(options: Namespace) -> int:
    """Find the person in every video, and reconstruct the joints.

    Parameters
    ----------
    options
        `inputs`, `rig`, `out`, `model`, `stature`, `monocular`.

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
    repair_sessions(options.inputs)
    given_rig = load_rig(options.rig) if options.rig is not None else None
    with ExitStack() as stack:
        footage = stack.enter_context(open_inputs(options.inputs))
        rig = _choose_rig(options, given_rig, footage)
        monocular = _load_monocular(options, footage, rig, stack)
        writer = stack.enter_context(
            TrackedSessionWriter(options.out, footage, options.model, _build_settings(options))
        )
        if not is_guessed(rig):
            writer.write_rig(rig)
        sinks = (monocular,) if monocular is not None else ()
        observation = observe(writer.footage, options.model, writer.open_raw_pose_sink, sinks)
        reconstruction = _reconstruct(
            observation, rig, monocular, _find_stature_m(options, footage)
        )
        writer.write_reconstruction(reconstruction)
    _print_summary(options, observation, reconstruction, rig)
    return 0


def _choose_rig(options: Namespace, given_rig: Rig | None, footage: Footage) -> Rig:
    """Say where the cameras stand; for one camera alone that may be made up."""
    sizes_wh = [source.size_wh for source in footage.sources]
    if given_rig is not None:
        return match_rig(given_rig, footage.view_names, sizes_wh, options.rig)
    if len(footage.view_names) == 1:
        return guess_rig(footage.view_names[0], sizes_wh[0])
    raise UsageError(
        f"'epipole track' needs --rig for {len(footage.view_names)} cameras; 'epipole "
        "calibrate' makes one. "
        "Only one camera alone can do without."
    )


def _load_monocular(
    options: Namespace, footage: Footage, rig: Rig, stack: ExitStack
) -> OfflineMonocular | None:
    """Load what sees depth with one camera, where there is only one, or it was asked for by name."""
    is_single = len(footage.view_names) == 1
    if not is_single and not options.lift:
        return None
    person = footage.session.facts.person if footage.session is not None else ""
    monocular_model = load_monocular_model(
        options.lift, person, rig=None if is_guessed(rig) else rig
    )
    if monocular_model is None:
        if is_single:
            raise UsageError(
                f"One camera alone needs a network that sees depth; --lift {NO_MODEL} leaves "
                "nothing to do."
            )
        return None
    stack.callback(monocular_model.close)
    return OfflineMonocular(monocular_model, load_skeleton(load_card(options.model).skeleton))


def _find_stature_m(options: Namespace, footage: Footage) -> float | None:
    """Return the person's stature, as given or as in the session; None where it is not known."""
    return options.stature or (
        footage.session.facts.stature_m if footage.session is not None else None
    )


def _build_settings(options: Namespace) -> dict[str, object]:
    """Say what was asked for."""
    settings: dict[str, object] = {"rig": str(options.rig) if options.rig is not None else ""}
    return settings | ({"stature_m": options.stature} if options.stature else {})


def _reconstruct(
    observation: Observation, rig: Rig, monocular: OfflineMonocular | None, stature_m: float | None
) -> offline.Reconstruction:
    """Put the person into the room, by all views and, where there is only one, by that."""
    if len(rig) == 1 and monocular is not None:
        return reconstruct_monocular(observation.recording, monocular, rig, stature_m)
    reconstruction = offline.reconstruct_recording(observation.recording, rig)
    return (
        monocular.fill(reconstruction, rig, stature_m) if monocular is not None else reconstruction
    )


def _print_summary(
    options: Namespace, observation: Observation, reconstruction: offline.Reconstruction, rig: Rig
) -> None:
    """Say what came of it, and what comes next."""
    found_count = sum(bool(poses.people) for poses in reconstruction.poses_3d)
    guessed_count = count_monocular(reconstruction.poses_3d)
    print(
        f"\nThe person was reconstructed in {found_count} of {len(reconstruction.poses_3d)} "
        "framesets."
    )
    if len(rig) == 1:
        print_messages([ONE_CAMERA_GUESSED])
    elif guessed_count:
        print(
            f"In {guessed_count} of them one camera alone saw some joints; their depth is a "
            "guess ('views' is 1)."
        )
    print_messages((*observation.remarks, *reconstruction.remarks))
    print(f"Session  {options.out}")
    print(f"Next     epipole export {options.out} --format csv --out {options.out.name}.csv")
