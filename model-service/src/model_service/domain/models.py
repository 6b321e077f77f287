"""Every model of the service: the one that /predict answers with, the networks by name, and the shadow."""

from collections.abc import Mapping

from model_service.domain.active_model import ActiveModel, Model
from model_service.domain.moderation import LABELS

__all__ = ["Models"]


class Models:
    """One ActiveModel for each distinct alias, so that two uses of one alias are one model in memory."""

    def __init__(
        self,
        primary: str,
        networks: Mapping[str, str] | None = None,
        *,
        moderation: str = "",
        shadow: str | None = None,
    ) -> None:
        """`primary`, `shadow` and the values of `networks` are aliases; `moderation` is the network of /classify.

        Raises ValueError when there are networks and `moderation` is none of them.
        """
        networks = networks or {}
        if networks and moderation not in networks:
            raise ValueError(f"{moderation!r} is none of the networks {', '.join(sorted(networks))}")
        self._by_alias = {primary: ActiveModel(primary)}
        self.primary = self._by_alias[primary]
        self.networks = {name: self._slot(alias, labels=LABELS) for name, alias in networks.items()}
        self.shadow = None if shadow is None else self._slot(shadow)
        self.moderation = self.networks.get(moderation)
        self.moderation_name = moderation

    def _slot(self, alias: str, *, labels: tuple[str, ...] | None = None) -> ActiveModel:
        active = self._by_alias.setdefault(alias, ActiveModel(alias, required=False))
        active.labels = labels or active.labels
        return active

    @property
    def all(self) -> tuple[ActiveModel, ...]:
        """One for each alias, the primary first."""
        return tuple(self._by_alias.values())

    def loaded(self, sha256: str) -> Model | None:
        """The model of that bundle, if some alias runs it."""
        models = (active.model for active in self.all)
        return next((model for model in models if model is not None and model.sha256 == sha256), None)

    def uses(self, active: ActiveModel) -> tuple[str, ...]:
        """What the service does with it, in the words of its routes and settings."""
        networks = (f"network {name}" for name, each in self.networks.items() if each is active)
        others = {"predict": self.primary, "classify": self.moderation, "shadow": self.shadow}
        return (*(name for name, each in others.items() if each is active), *networks)
