"""What every HTTP service here does alike: strict JSON, problems, log, metrics, operator's routes, server."""

from lib_web import documentation, json_body, log_file, logging, metrics, problems, server, service, text_body

__all__ = ["documentation", "json_body", "log_file", "logging", "metrics", "problems", "server", "service", "text_body"]
