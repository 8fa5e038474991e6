"""What to say of each cause: what happened, what it means, what to do."""

from collections.abc import Callable, Mapping

Figures = Mapping[str, float]
MUCH = 0.2  # a clock farther off is said as a ratio


def describe_frozen(name: str, figures: Figures) -> str:
    """Say that a view repeated one image."""
    return (
        f"View {name} repeats one image from {figures['from_s']:.1f} s to {figures['to_s']:.1f} s: "
        "its joints stand still while the others move. Restart that camera or its stream, look "
        "that its picture moves, and record again."
    )


def describe_mirrored(name: str, _figures: Figures) -> str:
    """Say that a video is mirrored."""
    return (
        f"The video of {name} is a mirror image: it fits the others only when left and right are "
        "exchanged. Switch mirroring off in that camera's settings, or flip the video, and "
        "calibrate again."
    )


def describe_moved(name: str, figures: Figures) -> str:
    """Say that a camera moved."""
    return (
        f"The camera {name} moved at about {figures['at_s']:.0f} s: its joints fit the others "
        "before and after, but not in one place. Fasten it, and record again; or use only what was "
        "recorded before it moved, or after."
    )


def describe_late(name: str, figures: Figures) -> str:
    """Say that a video started at another time."""
    shift = figures["offset_s"]
    least = "at least " if figures.get("at_least") else ""
    order = "after" if shift > 0 else "before"
    return (
        f"The video of {name} starts {least}{abs(shift):.1f} s {order} the others, by the motion. "
        "Start all cameras at the same time, or cut the videos to one start."
    )


def describe_fast(name: str, figures: Figures) -> str:
    """Say that a clock runs fast or slow."""
    gain = 1 / figures["rate"] - 1
    much = f"{abs(gain) * 100:.1f} % {'fast' if gain > 0 else 'slow'}"
    if abs(gain) > MUCH:
        much = f"{1 + gain:.2f} times as fast as the others'"
    return (
        f"The clock of {name} runs {much}, by the motion: its video claims another number of "
        "images a second than its camera took. Convert it with the true rate, or set the camera to "
        "a fixed rate; recordings with it are wrong until then."
    )


def describe_other_person(name: str, figures: Figures) -> str:
    """Say that a view follows another person."""
    return (
        f"View {name} follows another motion than the others from {figures['from_s']:.1f} s to "
        f"{figures['to_s']:.1f} s. Keep other people, screens and mirrors out of its picture, and "
        "record again."
    )


def describe_misfit(name: str, figures: Figures) -> str:
    """Say that a view does not fit, and nothing more is known."""
    return (
        f"View {name} does not fit the others: only {figures['share']:.0%} of its joints agree "
        "with them. Check that it shows the same person at the same time, and that the camera did "
        "not move."
    )


SENTENCES: Mapping[str, Callable[[str, Figures], str]] = {
    "frozen": describe_frozen,
    "mirrored": describe_mirrored,
    "moved": describe_moved,
    "late": describe_late,
    "fast": describe_fast,
    "other person": describe_other_person,
    "misfit": describe_misfit,
}
