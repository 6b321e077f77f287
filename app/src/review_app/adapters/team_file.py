"""The people of the People page, read from the package's data file."""

from importlib.resources import files

from pydantic import TypeAdapter

from review_app.domain.experiment import TeamMember


def read_team() -> tuple[TeamMember, ...]:
    """Everybody in `data/team.json`, in its order. Raises pydantic's ValidationError when the file is wrong."""
    content = (files("review_app") / "data" / "team.json").read_bytes()
    return TypeAdapter(tuple[TeamMember, ...]).validate_json(content)
