"""Views that do not fit: which, why, and what was corrected."""

from calibration.errors import CalibrationError, DegenerateError
from calibration.solve.blame import FAST, FROZEN, LATE, MIRRORED, MOVED, Blame, Diagnosis
from calibration.solve.blame_sentences import describe_misfit
from calibration.solve.initialise import CANNOT_PLACE_MESSAGE, ScoutedRig

# Causes that spoil a rig even where most joints still agree; a stranger in some images does not.
SURE_CAUSES = (FROZEN, MIRRORED, MOVED, LATE, FAST)


def explain_misfit(
    view_names: tuple[str, ...], scouted: ScoutedRig | None, diagnosis: Diagnosis
) -> CalibrationError:
    """Explain why a view does not fit the others.

    Parameters
    ----------
    view_names
    scouted
        The best rig so far; None where the cameras could not be placed at all.
    diagnosis

    Returns
    -------
    error
        To be raised; its message names the view and what to do.
    """
    if diagnosis.blames:
        return DegenerateError(" ".join(blame.sentence for blame in diagnosis.blames))
    if scouted is None:
        return DegenerateError(CANNOT_PLACE_MESSAGE)
    worst = int(scouted.agreement.argmin())
    share = float(scouted.agreement[worst])
    return DegenerateError(describe_misfit(f"'{view_names[worst]}'", {"share": share}))


def list_sure_blames(diagnosis: Diagnosis) -> tuple[Blame, ...]:
    """List the blames for which a rig is refused even where most joints agree."""
    return tuple(blame for blame in diagnosis.blames if blame.cause in SURE_CAUSES)


def list_remarks(diagnosis: Diagnosis) -> tuple[str, ...]:
    """List what the calibration corrected, for its report, where only clocks were wrong."""
    return tuple(
        f"{blame.sentence} The calibration used corrected times." for blame in diagnosis.blames
    )
