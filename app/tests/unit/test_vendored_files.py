"""The files of others are those that the list beside them names."""

import re
from hashlib import sha256

from review_app.http.assets import STATIC

VENDOR = STATIC / "vendor"


def test_every_vendored_file_is_listed_with_its_hash_and_has_its_licence():
    listed = dict(re.findall(r"^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$", (VENDOR / "README.md").read_text(), re.MULTILINE))
    assert listed.keys() == {path.name for path in VENDOR.iterdir() if path.suffix in {".js", ".css"}}
    for name, digest in listed.items():
        assert sha256((VENDOR / name).read_bytes()).hexdigest() == digest
        assert list(VENDOR.glob(f"{name.split('.')[0]}.LICENSE*"))
