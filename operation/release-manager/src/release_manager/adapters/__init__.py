"""Renderers of the rules for the gateways that carry them out."""

from release_manager.adapters.envoy_rds import (
    REPEATABLE_METHODS,
    ROUTE_CONFIGURATION,
    rds_document,
    rds_version,
    write_rds,
)

__all__ = ["REPEATABLE_METHODS", "ROUTE_CONFIGURATION", "rds_document", "rds_version", "write_rds"]
