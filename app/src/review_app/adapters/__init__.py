"""Disk and network: the store, the model-service, the deliverer of feedback."""
