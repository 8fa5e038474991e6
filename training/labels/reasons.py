"""Why a label was rejected: one bit per reason, and the words for a person."""

from enum import IntFlag


class Reason(IntFlag):
    """Why a joint of a frameset is no label; 0 is an accepted one."""

    ONE_VIEW = 1 << 0
    NARROW_RAYS = 1 << 1
    BEHIND_A_CAMERA = 1 << 2
    LOW_CONFIDENCE = 1 << 3
    VIEWS_DISAGREE = 1 << 4
    FAR_FROM_A_VIEW = 1 << 5
    OFF_THE_EPIPOLAR_LINE = 1 << 6
    ONE_VIEW_DECIDES = 1 << 7
    UNCERTAIN = 1 << 8
    BONE_LENGTH = 1 << 9
    JERK = 1 << 10
    NOT_SEEN_BY_TWO = 1 << 11
    DOUBTFUL_JOINT = 1 << 12
    FEW_JOINTS = 1 << 16
    BODY_OUT_OF_SHAPE = 1 << 17
    OTHER_PERSON_NEAR = 1 << 18
    TOO_FAST_FOR_THE_CLOCKS = 1 << 19


DESCRIPTIONS = {
    Reason.ONE_VIEW: "fewer than two views agree on it",
    Reason.NARROW_RAYS: "the rays meet at too small an angle",
    Reason.BEHIND_A_CAMERA: "it would be behind a camera",
    Reason.LOW_CONFIDENCE: "the model hardly saw it",
    Reason.VIEWS_DISAGREE: "the views disagree by more than their errors explain",
    Reason.FAR_FROM_A_VIEW: "it is far from where a view saw it",
    Reason.OFF_THE_EPIPOLAR_LINE: "its two views do not meet",
    Reason.ONE_VIEW_DECIDES: "without one of its views it would be elsewhere",
    Reason.UNCERTAIN: "its expected error is too large",
    Reason.BONE_LENGTH: "its bones would have another length",
    Reason.JERK: "it would jump",
    Reason.NOT_SEEN_BY_TWO: "it was carried through from other framesets",
    Reason.DOUBTFUL_JOINT: "the model puts joints of this kind somewhere else on the body",
    Reason.FEW_JOINTS: "too little of the body was found in the frameset",
    Reason.BODY_OUT_OF_SHAPE: "the body's proportions are wrong in the frameset",
    Reason.OTHER_PERSON_NEAR: "another person was too near",
    Reason.TOO_FAST_FOR_THE_CLOCKS: "it moved too fast for the cameras' clocks",
}
