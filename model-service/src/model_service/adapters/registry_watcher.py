"""Keeps the active model what the registry's alias names: looks, loads and verifies beside, swaps one reference."""

import threading
from pathlib import Path

import structlog
from lib_ml.bundle import BundleRefused, load_bundle
from lib_ml.registry import FolderRegistry, RegistryError
from lib_ml.scorer import GoldenMismatch, Scorer

from model_service.domain import ActiveModel, Model, Observer, Refusal

__all__ = ["RegistryWatcher"]

Fingerprint = tuple[tuple[str, int, int, int], ...]

log = structlog.get_logger()


class RegistryWatcher:
    """Watches one alias. A model that can't be verified changes nothing but the refusal: the old one answers on."""

    def __init__(
        self,
        registry: FolderRegistry,
        alias: str,
        active: ActiveModel,
        observer: Observer,
        *,
        interval_s: float,
        public_key: bytes | None = None,
    ) -> None:
        """`public_key`: PEM; with it, a model without a valid signature is refused."""
        self._registry = registry
        self._alias = alias
        self._active = active
        self._observer = observer
        self._interval_s = interval_s
        self._public_key = public_key
        self._refused_files: Fingerprint = ()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Look now, then once an interval in a thread that ends with the process."""
        self.look()
        threading.Thread(target=self._watch, name="registry-watcher", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._interval_s):
            self.look()

    def look(self) -> None:
        """One look at the alias; loads what it names unless that answers already. Never raises."""
        try:
            wanted = self._registry.resolve(self._alias)
            folder = self._registry.bundle_folder(wanted)
        except RegistryError as error:
            self._refuse(Refusal(None, str(error)), ())
            return
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
            model = self._verified(wanted, folder)
        except (BundleRefused, GoldenMismatch) as error:
            self._refuse(Refusal(wanted, str(error)), files)
        except Exception as error:
            # Whatever a damaged model brings about, the old one must go on answering.
            log.exception("model_load_failed", sha256=wanted)
            self._refuse(Refusal(wanted, f"loading it failed: {type(error).__name__}"), files)
        else:
            self._swap(model)

    def _verified(self, wanted: str, folder: Path) -> Model:
        bundle = load_bundle(folder, self._public_key)
        if bundle.sha256 != wanted:
            raise BundleRefused("manifest.json: its sha256 is not the one the alias names")
        scorer = Scorer(bundle)
        scorer.check_golden()
        return Model(scorer)

    def _swap(self, model: Model) -> None:
        replaced = self._active.model.sha256 if self._active.model else None
        self._active.swap(model)
        self._observer.model_swapped(model)
        log.info("model_swapped", **model.card, replaced=replaced)

    def _refuse(self, refusal: Refusal, files: Fingerprint) -> None:
        self._refused_files = files
        if refusal == self._active.refusal:
            return
        self._active.wanted = refusal.sha256
        self._active.refusal = refusal
        self._observer.model_refused(refusal)
        log.error("model_refused", alias=self._alias, sha256=refusal.sha256, reason=refusal.reason)


def _fingerprint(folder: Path) -> Fingerprint:
    """Name, size, time and inode of each file: changes when somebody mends the bundle."""
    try:
        found = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except OSError:
        return ()
    return tuple((name, stat.st_size, stat.st_mtime_ns, stat.st_ino) for name, stat in found)
