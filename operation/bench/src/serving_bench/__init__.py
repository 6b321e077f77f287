"""The model-service beside other model servers: one pipeline, one machine, one run."""

__all__: list[str] = []
