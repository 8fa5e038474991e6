"""`epipole models`: which pose models there are, and fetching one."""

from argparse import Namespace

from app.progress import Progress
from engine.inference import models
from engine.inference.progress import Progress as Download


def run(options: Namespace) -> int:
    """List the models, or fetch one.

    Parameters
    ----------
    options
        `action`: ``list`` or ``pull``; `name` and `sha256` of the one to fetch.

    Returns
    -------
    code
        0.
    """
    if options.action == "list":
        list_models()
    else:
        pull(options.name, options.sha256)
    return 0


def list_models() -> None:
    """Print one line per model: whether it is here, its licence, and what it is."""
    states = models.list_models()
    width = max(len(state.card.name) for state in states)
    for state in states:
        here = "here" if state.present else "-"
        print(f"{state.card.name:{width}}  {here:4}  {state.card.licence:12}  {state.card.note}")
    print(f"\nModels are kept in {models.models_folder()}. Fetch one with: epipole models pull NAME")


def pull(name: str, sha256: str = "") -> None:
    """Fetch a model with progress, unless it is here already.

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

        model = models.pull(name, watch, sha256=sha256)
    print(f"Model '{name}' is ready and verified: {', '.join(str(path) for path in model.paths.values())}")
