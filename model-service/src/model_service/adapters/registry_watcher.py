"""Keeps every model what its alias names: looks, loads and verifies beside, swaps one reference."""

import threading
from collections.abc import Callable
from pathlib import Path
from time import time

import structlog
from lib_ml.bundle import BundleRefused, load_bundle
from lib_ml.registry import AliasUnknown, FolderRegistry, RegistryError
from lib_ml.scorer import GoldenMismatch, Scorer

from model_service.domain import ActiveModel, Model, Models, Observer, Refusal

__all__ = ["RegistryWatcher"]

Fingerprint = tuple[tuple[str, int, int, int], ...]

log = structlog.get_logger()


class RegistryWatcher:
    """Looks after all models of a process. One that can't be verified changes nothing but the refusal."""

    def __init__(
        self,
        registry: FolderRegistry,
        models: Models,
        observer: Observer,
        *,
        interval_s: float,
        public_key: bytes | None = None,
        prepare: Callable[[Model], None] | None = None,
    ) -> None:
        """`public_key`: PEM; with it, a model without a valid signature is refused.

        `prepare` is called with each verified model before it answers.
        """
        self._models = models
        self._observer = observer
        self._interval_s = interval_s
        loader = _Loader(registry, models, public_key, prepare)
        self._aliases = [_AliasWatch(active, registry, loader, observer) for active in models.all]
        self._stopped = threading.Event()
        self._after_look: Callable[[], None] = _nothing

    def start(self, after_look: Callable[[], None] | None = None) -> None:
        """Look now, then once an interval in a thread that ends with the process; `after_look` is called each time."""
        self._after_look = after_look or _nothing
        self.look()
        threading.Thread(target=self._watch, name="registry-watcher", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._interval_s):
            self.look()

    def look(self) -> None:
        """One look at every alias; loads what each names unless that answers already. Never raises."""
        for alias in self._aliases:
            alias.look()
        self._observer.models_looked_at(self._models)
        self._after_look()


class _Loader:
    """Bundles become models here, each only once however many aliases name it."""

    def __init__(
        self,
        registry: FolderRegistry,
        models: Models,
        public_key: bytes | None,
        prepare: Callable[[Model], None] | None,
    ) -> None:
        self._registry = registry
        self._models = models
        self._public_key = public_key
        self._prepare = prepare

    def load(self, wanted: str, folder: Path) -> Model:
        """Raises BundleRefused, GoldenMismatch."""
        return self._models.loaded(wanted) or self._verified(wanted, folder)

    def _verified(self, wanted: str, folder: Path) -> Model:
        bundle = load_bundle(folder, self._public_key)
        if bundle.sha256 != wanted:
            raise BundleRefused("manifest.json: its sha256 is not the one the alias names")
        scorer = Scorer(bundle)
        scorer.check_golden()
        model = Model(scorer)
        if self._prepare:
            self._prepare(model)
        return model


class _AliasWatch:
    """One alias, and which files of which bundle were refused last."""

    def __init__(self, active: ActiveModel, registry: FolderRegistry, loader: _Loader, observer: Observer) -> None:
        self._active = active
        self._registry = registry
        self._loader = loader
        self._observer = observer
        self._refused_files: Fingerprint = ()

    def look(self) -> None:
        try:
            wanted = self._registry.resolve(self._active.alias)
            folder = self._registry.bundle_folder(wanted)
        except AliasUnknown as error:
            if self._active.required or self._active.model is not None:
                self._refuse(Refusal(None, str(error)), ())
        except RegistryError as error:
            self._refuse(Refusal(None, str(error)), ())
        else:
            self._follow(wanted, folder)

    def _follow(self, wanted: str, folder: Path) -> None:
        self._active.wanted = wanted
        if self._active.model is not None and self._active.model.sha256 == wanted:
            self._active.refusal = None
            return
        files = _fingerprint(folder)
        if not self._refused_before(wanted, files):
            self._load(wanted, folder, files)

    def _refused_before(self, wanted: str, files: Fingerprint) -> bool:
        refusal = self._active.refusal
        return refusal is not None and refusal.sha256 == wanted and self._refused_files == files

    def _load(self, wanted: str, folder: Path, files: Fingerprint) -> None:
        try:
            model = self._loader.load(wanted, folder)
            self._check_labels(model)
        except (BundleRefused, GoldenMismatch) as error:
            self._refuse(Refusal(wanted, str(error)), files)
        except Exception as error:
            # Whatever a damaged model brings about, the old one must go on answering.
            log.exception("model_load_failed", alias=self._active.alias, sha256=wanted)
            self._refuse(Refusal(wanted, f"loading it failed: {type(error).__name__}"), files)
        else:
            self._swap(model)

    def _check_labels(self, model: Model) -> None:
        labels = self._active.labels
        if labels is not None and model.labels != labels:
            raise BundleRefused(f"manifest.json: labels are {', '.join(model.labels)}, not {', '.join(labels)}")

    def _swap(self, model: Model) -> None:
        replaced = self._active.model
        self._active.swap(model, time())
        self._observer.model_swapped(self._active)
        replaced_sha256 = replaced.sha256 if replaced else None
        log.info("model_swapped", alias=self._active.alias, **model.card, replaced=replaced_sha256)

    def _refuse(self, refusal: Refusal, files: Fingerprint) -> None:
        self._refused_files = files
        if refusal == self._active.refusal:
            return
        self._active.wanted = refusal.sha256
        self._active.refusal = refusal
        self._observer.model_refused(self._active)
        log.error("model_refused", alias=self._active.alias, sha256=refusal.sha256, reason=refusal.reason)


def _nothing() -> None:
    pass


def _fingerprint(folder: Path) -> Fingerprint:
    """Name, size, time and inode of each file: changes when somebody mends the bundle."""
    try:
        found = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except OSError:
        return ()
    return tuple((name, stat.st_size, stat.st_mtime_ns, stat.st_ino) for name, stat in found)
