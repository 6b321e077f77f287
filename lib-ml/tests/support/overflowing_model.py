"""A bundle that passes every check, and whose answer to some texts is no number."""

import json
from pathlib import Path

import numpy as np
from lib_ml.bundle import encode_files, sha256_of
from small_models import make_moderator

# Words of the reviews that no golden text has; together they overflow, one way and the other.
OVERFLOWING = "crisp bacon, crisp burger"
_NEAR_THE_LARGEST = 1.7e308


def make_overflowing(folder: Path) -> Path:
    """A moderator in `folder` whose weights are finite, while their sum for OVERFLOWING is infinity less infinity."""
    make_moderator(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    terms = tuple((folder / "vocabulary.txt").read_text().split("\n")[:-1])
    arrays = dict(np.load(folder / "arrays.npz"))
    golden = " ".join(each["text"] for each in manifest["golden"]).lower()
    words = manifest["terms"]["words"]
    for row, term in enumerate(terms):
        if term.strip() not in golden:
            block, sign = ("words", 1) if row < words else ("characters", -1)
            arrays[f"{block}.weights"][row if row < words else row - words] = sign * _NEAR_THE_LARGEST
    contents = encode_files(terms, arrays)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    manifest["files"] = {name: sha256_of(content) for name, content in contents.items()}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
