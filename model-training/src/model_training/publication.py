"""Pointing the registry's alias at a bundle that was compiled."""

from lib_ml.registry import FolderRegistry

from model_training.progress import say
from model_training.refusal import TrainingRefused
from model_training.settings import Settings
from model_training.stages.places import Places


def publish(places: Places, model: str, sha256: str, settings: Settings, *, experiments: bool) -> None:
    """Publishes the bundle of `model` as <task>/<model>, but an experiment's only with `experiments`.

    Raises TrainingRefused when the registry can't be written.
    """
    alias = f"{places.task}/{model}"
    if settings.experiment and not experiments:
        say(f"publish: {alias} is the experiment {settings.experiment}: not published")
        return
    try:
        FolderRegistry(settings.registry).publish(places.bundle(model), alias)
    except OSError as error:
        raise TrainingRefused(
            f"{settings.registry}: {error.strerror}: name a writable folder in PALATE_REGISTRY"
        ) from error
    say(f"publish: {alias} is {sha256[:12]} in {settings.registry}")
