"""The Envoy in front of the apps and between each app and its model-service."""

from local_stack.gateway.admin import GatewayLate, wait_until_applied
from local_stack.gateway.bootstrap import bootstrap

__all__ = ["GatewayLate", "bootstrap", "wait_until_applied"]
