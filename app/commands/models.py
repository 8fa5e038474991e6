"""`epipole models`: list and download models, and choose the monocular model for each person."""

from argparse import Namespace
from pathlib import Path

from app.cli.progress import Progress
from calibration.rig import load_rig
from engine.models import shelf as models
from engine.models.library import ModelEntry, ModelLibrary, compute_rig_id, describe_scope
from engine.models.progress import Progress as Download

BY_USER = "a person"
_METRICS = {"mpjpe_mm": "MPJPE", "p_mpjpe_mm": "PA-MPJPE"}


def run(options: Namespace) -> int:
    """Run an action on models.

    Parameters
    ----------
    options
        `action`: ``list``, ``pull`` with `name` and `sha256`, ``use`` with `name`, `person` and
        `rig`, or ``roll-back`` with `person` and `rig`.

    Returns
    -------
    code
        0.
    """
    match options.action:
        case "list":
            print_pose_models()
            print_monocular_models(ModelLibrary())
        case "pull":
            pull(options.name, options.sha256)
        case "use":
            use(options.name, options.person, options.rig)
        case "roll-back":
            roll_back(options.person, options.rig)
    return 0


def print_pose_models() -> None:
    """Print one line per pose model: whether it is installed, its licence, and what it is."""
    states = [state for state in models.list_models() if state.card.task != "pose3d"]
    width = max(len(state.card.name) for state in states)
    for state in states:
        installed = "installed" if state.present else "-"
        print(
            f"{state.card.name:{width}}  {installed:9}  {state.card.licence:12}  {state.card.note}"
        )
    print(f"\nThese models are in {models.models_folder()}. Download one: epipole models pull NAME")


def print_monocular_models(library: ModelLibrary) -> None:
    """Print one line per monocular model: origin, error, and whom it is used for."""
    entries = library.list_models()
    print("\nMonocular models:" if entries else "\nNo monocular model is installed yet.")
    people_by_model, remarks = _find_served_people(library)
    width = max((len(entry.name) for entry in entries), default=0)
    for entry in entries:
        people = people_by_model.get(entry.name)
        print(
            f"{entry.name:{width}}  {_describe(entry)}{f'  In use for {people}.' if people else ''}"
        )
    for remark in dict.fromkeys((*library.remarks(), *remarks)):
        print(remark)
    print(f"Fine-tuned models are in {library.folder}. Choose one: epipole models use NAME")


def use(name: str, person: str = "", rig: Path | None = None) -> None:
    """Use a model for a person, or for everybody.

    Parameters
    ----------
    name
        Of the model.
    person
        Empty for everybody.
    rig
        File of the rig it is for; None for any.
    """
    where = compute_rig_id(load_rig(rig)) if rig else ""
    entry = ModelLibrary().adopt(
        name, person, where, reason="Chosen on the command line.", by=BY_USER
    )
    print(
        f"'{entry.name}' is now used for {describe_scope(person, where)}. Undo: epipole models "
        "roll-back"
    )


def roll_back(person: str = "", rig: Path | None = None) -> None:
    """Undo the last choice for a person; see `use`."""
    where = compute_rig_id(load_rig(rig)) if rig else ""
    entry = ModelLibrary().roll_back(
        person, where, reason="Rolled back on the command line.", by=BY_USER
    )
    now = f"'{entry.name}' is" if entry else "No model is"
    print(f"{now} used for {describe_scope(person, where)} again.")


def pull(name: str, sha256: str = "") -> None:
    """Download a model with progress, unless it is installed already.

    Parameters
    ----------
    name
        Of a card.
    sha256
        From its publisher, for a card without one.
    """
    with Progress(f"Model {name}", unit="bytes") as progress:

        def watch(download: Download) -> None:
            progress(download.done_bytes, download.total_bytes or None)

        model = models.pull_model(name, watch, sha256=sha256)
    print(
        f"Model '{name}' is installed and verified: "
        f"{', '.join(str(path) for path in model.paths.values())}"
    )


def _find_served_people(library: ModelLibrary) -> tuple[dict[str, str], list[str]]:
    """Find for each model in use whom it is used for, and which models cannot be used."""
    scopes = dict.fromkeys(
        [("", ""), *((change.person, change.rig_id) for change in library.read_history())]
    )
    people_by_model: dict[str, list[str]] = {}
    remarks: list[str] = []
    for person, rig in scopes:
        choice = library.choose_model(person, rig)
        remarks += choice.remarks
        if choice.entry is not None:
            people_by_model.setdefault(choice.entry.name, []).append(describe_scope(person, rig))
    return {name: ", ".join(people) for name, people in people_by_model.items()}, remarks


def _describe(entry: ModelEntry) -> str:
    """Describe a model in one line."""
    trained = entry.card.trained
    metrics = trained.metrics if trained else {}
    figures = ", ".join(
        f"{label} {metrics[name]:.1f} mm" for name, label in _METRICS.items() if name in metrics
    )
    parts = (
        entry.card.licence,
        f"from {entry.parent}" if entry.parent else "",
        figures,
        entry.card.note,
    )
    return "  ".join(part for part in parts if part)
