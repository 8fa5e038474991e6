"""What can go wrong when a rig is calibrated, as messages for a person."""


class CalibrationError(Exception):
    """These observations do not give a calibration."""


class NotEnoughMotionError(CalibrationError):
    """The person moved too little, or was seen too briefly, to place the cameras."""


class DegenerateError(CalibrationError):
    """The observations fit more than one rig."""


class DidNotConvergeError(CalibrationError):
    """The refinement found no rig that explains the observations."""


class ScaleUnknownError(CalibrationError):
    """Nothing gives the size of the scene."""
