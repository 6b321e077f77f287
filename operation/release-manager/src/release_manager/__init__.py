"""Which version a visitor meets."""

from release_manager.adapters.envoy_rds import rds_document, write_rds
from release_manager.domain.routes import RoutingState, routes

__all__ = ["RoutingState", "rds_document", "routes", "write_rds"]
