"""How Palate reads texts, what a model is, and how it is scored.

`text` and `features` need nothing; `manifest`, `bundle`, `scorer` and `registry` the extra `scoring`; `training` the
extra of its name. Import the module you need: this package imports none of them, so a page can clean a text without
numpy.
"""

__all__: list[str] = []
