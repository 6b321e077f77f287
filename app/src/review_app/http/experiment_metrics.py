"""The People page's figures for Prometheus; the judge of a release reads the visitors' ones."""

from prometheus_client import CollectorRegistry, Counter

from review_app.domain.experiment import Assigned


class ExperimentMetrics:
    def __init__(self, registry: CollectorRegistry, release: str) -> None:
        def counter(name: str, help_: str, *labels: str) -> Counter:
            return Counter(f"palate_people_{name}", help_, ("release", "assigned", *labels), registry=registry)

        self._release = release
        self._views = counter("views", "Times the People page was shown")
        self._viewers = counter("viewers", "Visitors who saw it, each once per release")
        self._clicks = counter("clicks", "Clicks on a card's contact button", "member")
        self._clickers = counter("clickers", "Visitors who clicked any card, each once per release")

    def saw(self, assigned: Assigned, *, first: bool) -> None:
        self._views.labels(self._release, assigned).inc()
        self._viewers.labels(self._release, assigned).inc(int(first))

    def clicked(self, assigned: Assigned, slug: str, *, first: bool) -> None:
        self._clicks.labels(self._release, assigned, slug).inc()
        self._clickers.labels(self._release, assigned).inc(int(first))
