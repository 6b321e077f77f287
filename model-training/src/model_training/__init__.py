"""From a table of reviews to published models. `stages` is what DVC runs, `cli` what a person types."""

__all__: list[str] = []
