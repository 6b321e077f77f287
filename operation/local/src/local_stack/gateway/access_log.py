"""What the gateway writes down of a request: nothing a visitor typed, so no query string, cookie or body."""

from local_stack.gateway.protobuf import Message, typed

__all__ = ["access_log", "failures_log"]

_STDOUT = "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog"
_FIELDS = {
    "timestamp": "%START_TIME%",
    "event": "request",
    "request_id": "%REQ(X-REQUEST-ID):128%",
    "method": "%REQ(:METHOD):16%",
    "path": "%PATH(NQ):256%",
    "status": "%RESPONSE_CODE%",
    "flags": "%RESPONSE_FLAGS%",
    "route": "%ROUTE_NAME%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "tries": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "request_bytes": "%BYTES_RECEIVED%",
    "reply_bytes": "%BYTES_SENT%",
    "ms": "%DURATION%",
}


def access_log() -> Message:
    """Every request, one JSON object per line."""
    return {
        "name": "envoy.access_loggers.stdout",
        "typed_config": typed(_STDOUT, log_format={"json_format": _FIELDS}),
    }


def failures_log() -> Message:
    """Only what failed; the app's own log has the rest."""
    failed = {"op": "GE", "value": {"default_value": 500, "runtime_key": "palate.failures_log"}}
    return {**access_log(), "filter": {"status_code_filter": {"comparison": failed}}}
