"""The one kind of error a person can mend: what is wrong, where, and what to do about it."""


class TrainingRefused(Exception):
    """A stage can't go on. The message is one line that names the file, the place and the remedy; no review text."""
