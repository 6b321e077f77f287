"""Writes the OpenAPI document of a service with default settings: python -m model_service.openapi FILE."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from model_service.factory import create_app
from model_service.settings import Settings

__all__ = ["document", "main"]


def document() -> dict[str, Any]:
    """As /openapi.json has it, without the version of the build, which every commit changes."""
    with TemporaryDirectory() as folder:
        key = Path(folder) / "prediction.key"
        key.write_bytes(bytes(range(32)))
        settings = Settings(
            port=1,
            registry=Path(folder),
            alias="sentiment/v1",
            feedback_url=f"sqlite:///{folder}/feedback.db",
            prediction_key_file=key,
            mode="TEST",
            state_folder=Path(folder),
        )
        found: dict[str, Any] = create_app(settings).test_client().get("/openapi.json").get_json()
    found["info"]["version"] = "0"
    return found


def main() -> None:
    """Write it to the file that the command line names."""
    Path(sys.argv[1]).write_text(json.dumps(document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
