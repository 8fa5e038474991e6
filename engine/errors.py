"""What can go wrong between a camera and a skeleton, as sentences for a person."""


class EngineError(Exception):
    """Something the engine was asked for cannot be done."""


class CameraError(EngineError):
    """A source of frames failed.

    Parameters
    ----------
    camera_id
        Which one.
    message
        What happened, what it means, what to do.
    """

    def __init__(self, camera_id: str, message: str) -> None:
        super().__init__(message)
        self.camera_id = camera_id


class CameraNotFoundError(CameraError):
    """There is no such camera, file or address."""


class CameraDisconnectedError(CameraError):
    """A camera that was open is gone."""


class CameraTimeoutError(CameraError):
    """A camera sends nothing."""


class UnreadableSourceError(CameraError):
    """A file or stream that is not a video."""


class BackendUnavailableError(EngineError):
    """A runtime that is not installed or has no device."""


class ModelMismatchError(EngineError):
    """A model file that is not what its card says."""


class ModelMissingError(EngineError):
    """A model that is not on this machine and cannot be fetched now."""


class SessionError(EngineError):
    """A session folder that cannot be read or written."""


class NobodyInViewError(EngineError):
    """No person was found where one is needed."""
