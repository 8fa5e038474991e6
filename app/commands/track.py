"""`epipole track`: videos and a rig to a session with the person's joints in the room."""

from argparse import Namespace

from app.matching import rig_for_views
from app.mend import mend_sessions
from app.observe import observe
from app.outcome import tell
from app.recording import TakeRecording
from calibration.rig import load_rig
from engine import offline
from engine.capture.sources import open_inputs


def run(options: Namespace) -> int:
    """Find the person in every video, and reconstruct the joints.

    Parameters
    ----------
    options
        `inputs`, `rig`, `out`, `model`.

    Returns
    -------
    code
        0.
    """
    mend_sessions(options.inputs)
    given = load_rig(options.rig)
    with open_inputs(options.inputs) as footage:
        sizes_wh = [source.size_wh for source in footage.sources]
        rig = rig_for_views(given, footage.views, sizes_wh, options.rig)
        with TakeRecording(options.out, footage, options.model, {"rig": str(options.rig)}) as recording:
            recording.keep_rig(rig)
            observed = observe(recording.footage, options.model, recording.keep_raw_poses)
            reconstruction = offline.reconstruct_take_in_room(observed.take, rig)
            recording.keep_reconstruction(reconstruction)
    found = sum(bool(poses.people) for poses in reconstruction.poses_3d)
    print(f"\nThe person was reconstructed in {found} of {len(reconstruction.poses_3d)} framesets.")
    tell((*observed.remarks, *reconstruction.remarks))
    print(f"Session  {options.out}")
    print(f"Next     epipole export {options.out} --format csv --out {options.out.name}.csv")
    return 0
