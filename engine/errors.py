"""The errors of the engine; their messages are for the user."""


class EngineError(Exception):
    """A request to the engine that cannot be fulfilled."""


class CameraError(EngineError):
    """A source of frames failed.

    Parameters
    ----------
    camera_id
        Name or address of the camera.
    message
        What happened, what it means, what to do.
    """

    def __init__(self, camera_id: str, message: str) -> None:
        super().__init__(message)
        self.camera_id = camera_id


class CameraNotFoundError(CameraError):
    """There is no such camera, file or address."""


class CameraDisconnectedError(CameraError):
    """An open camera was lost."""


class CameraTimeoutError(CameraError):
    """A camera sends nothing."""


class UnreadableSourceError(CameraError):
    """A file or stream that is not a video."""


class BackendUnavailableError(EngineError):
    """A runtime that is not installed or has no device."""


class ModelMismatchError(EngineError):
    """A model file that is not what its card says."""


class ModelMissingError(EngineError):
    """A model that is not on this machine and cannot be downloaded now."""


class SessionError(EngineError):
    """A session folder that cannot be read or written."""


class NobodyInViewError(EngineError):
    """No person was found where one is needed."""
