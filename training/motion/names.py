"""Names: what programs and data sets call the joints that we follow.

A name is that of a bone, and stands for the joint in which the bone begins.
"""

import re
from collections.abc import Sequence

from engine.studio.body.anatomy import SIDES
from engine.studio.body.retarget import HEAD

LIMBS = {
    "shoulder": ("upperarm", "arm", "uparm", "shldr", "shldrbend", "humerus"),
    "elbow": ("forearm", "lowerarm", "lowarm", "forearmbend", "radius", "elbow"),
    "wrist": ("wrist", "hand"),
    "hip": ("upleg", "upperleg", "thigh", "thighbend", "femur"),
    "knee": ("leg", "lowerleg", "lowleg", "shin", "calf", "tibia", "knee"),
    "ankle": ("ankle", "foot"),
    "toe": ("toebase", "toe", "toes", "toe0", "ball", "footend"),
}
"""Our joint, and its names without side and punctuation, the surest first.

`arm`, `upleg`, `leg`, `toebase`: Mixamo, MotionBuilder, CMU's BVH · `upperarm`, `thigh`, `calf`:
Character Creator (CC_Base), Biped, Unreal · `shldr`, `shin`: Daz · `upperleg`, `lowerleg`: Xsens,
Unity · `humerus`, `femur`: CMU's ASF · `elbow`, `knee`: SMPL, Kinect and our own.
"""
ALSO_ABOVE = {"shoulder": "elbow", "hip": "knee"}
"""A name that is the clavicle or the pelvis in some files: it is the joint only where the next
joint is called by its own name, too (LeftShoulder before LeftElbow, not before LeftForeArm)."""

_PREFIX = re.compile(
    r"^(?:.*[:|])?(?:mixamorig\d*[_ ]?|(?:cc_base|bip|character|m_avg|f_avg)\d*[_ ]+)?",
    re.IGNORECASE,
)
_PARTS = {part for parts in LIMBS.values() for part in parts} | set(ALSO_ABOVE)
_SIDE_WORDS = (("left", "left"), ("right", "right"), ("l", "left"), ("r", "right"))


def find_joints(names: Sequence[str]) -> dict[str, int]:
    """Find our joints among the names of a file.

    Returns
    -------
    places : joint to index in `names`
        Without those that the file does not have or calls by an unknown name.
    """
    parts: dict[tuple[str, str], int] = {}
    places: dict[str, int] = {}
    for index, name in enumerate(names):
        plain = re.sub(r"[^a-z0-9]", "", _PREFIX.sub("", name).lower())
        if plain == HEAD:
            places.setdefault(HEAD, index)
        side, part = _split(plain)
        if part:
            parts.setdefault((side, part), index)
    for side in SIDES:
        places |= _find_limbs(
            {part: index for (of, part), index in parts.items() if of == side}, side
        )
    return places


def _split(plain: str) -> tuple[str, str]:
    """Split a name into its side and its part; the part is empty where it is none of ours."""
    for word, side in _SIDE_WORDS:
        for part in (plain.removeprefix(word), plain.removesuffix(word)):
            if part != plain and part in _PARTS:
                return side, part
    return "", ""


def _find_limbs(parts: dict[str, int], side: str) -> dict[str, int]:
    """Choose for each joint of a side the surest of its names."""
    places = {}
    for joint, candidates in LIMBS.items():
        known = [part for part in candidates if part in parts]
        if not known and joint in parts and ALSO_ABOVE.get(joint) in parts:
            known = [joint]
        if joint == "toe" and not known and "ankle" in parts and "foot" in parts:
            known = ["foot"]  # SMPL and Kinect: the foot begins where the ankle's bone ends
        if known:
            places[f"{side}_{joint}"] = parts[known[0]]
    return places
