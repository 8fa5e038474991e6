"""SessionEnding: how the recording of a session ended, in session.toml and in messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class SessionEnding:
    """How the recording of a session ended.

    Parameters
    ----------
    finished
        False while it is being written, and for good where it was interrupted.
    lossy
        How many images the disk was too slow for, by camera; empty where none was lost.
    repaired
        Whether an interrupted session has been repaired.
    lost
        Messages on what was lost; known once it is repaired.
    """

    finished: bool = False
    lossy: Mapping[str, int] = field(default_factory=dict[str, int])
    repaired: bool = False
    lost: tuple[str, ...] = ()

    def to_table(self) -> dict[str, Any]:
        """Return its keys for session.toml; what does not apply is absent."""
        table: dict[str, Any] = {"finished": self.finished}
        if self.repaired:
            table |= {"repaired": True, "lost": list(self.lost)}
        return table | ({"lossy": dict(self.lossy)} if self.lossy else {})

    def remarks(self, name: str) -> tuple[str, ...]:
        """Return messages on an ending that was not normal."""
        broken = () if self.finished else self.lost
        if not self.finished and not self.repaired:
            broken = (
                f"The session '{name}' was not finished; everything written until then is used.",
            )
        if not self.lossy:
            return broken
        counts = ", ".join(f"'{camera}' {count}" for camera, count in self.lossy.items())
        return (
            *broken,
            f"The recording '{name}' is lossy: the disk was too slow for some images ({counts}). "
            "Each camera's ledger names them. To keep all images, record to a faster disk, or "
            "record fewer or smaller images.",
        )


def ending_from_table(table: Mapping[str, Any]) -> SessionEnding:
    """Read how the recording ended.

    Raises
    ------
    KeyError, TypeError, ValueError
        If a key is missing or has a wrong value.
    """
    lossy = {str(name): int(count) for name, count in table.get("lossy", {}).items()}
    lost = tuple(map(str, table.get("lost", ())))
    return SessionEnding(bool(table["finished"]), lossy, bool(table.get("repaired", False)), lost)
