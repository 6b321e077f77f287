"""The ports of one stack: all follow the gateway's, so two stacks eight ports apart never meet."""

from dataclasses import dataclass
from typing import Self

__all__ = ["HOST", "LAST_OFFSET", "VERSIONS", "Ports"]

HOST = "127.0.0.1"
VERSIONS = ("v1", "v2")
LAST_OFFSET = 7


@dataclass(frozen=True)
class Ports:
    """One port per listener."""

    gateway: int
    app: dict[str, int]
    model_service: dict[str, int]
    egress: dict[str, int]  # Envoy's listener through which app vN reaches model-service vN
    admin: int  # Envoy's own

    @classmethod
    def following(cls, gateway: int) -> Self:
        """The eight ports from `gateway` on."""
        app, model_service, egress = (
            {version: gateway + first + place for place, version in enumerate(VERSIONS)} for first in (1, 3, 5)
        )
        return cls(gateway, app, model_service, egress, gateway + LAST_OFFSET)

    def by_name(self) -> dict[str, int]:
        """Every port under the name an operator knows its listener by."""
        named = {"gateway": self.gateway}
        for version in VERSIONS:
            named[f"app-{version}"] = self.app[version]
            named[f"model-service-{version}"] = self.model_service[version]
            named[f"way from app-{version} to its model-service"] = self.egress[version]
        return named | {"gateway's admin": self.admin}
