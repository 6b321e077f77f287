import pytest
from lib_version.build_info import version_from_tag
from packaging.version import Version

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("described", "changed", "version"),
    [
        (None, False, "0.1.dev0+g012345678"),
        (None, True, "0.1.dev0+g012345678.dirty"),
        ("app/v1.2.0-0-g0123", False, "1.2.0"),
        ("app/v1.2.0-0-g0123", True, "1.2.0.post0+g012345678.dirty"),
        ("app/v1.2.0-5-g0123", False, "1.2.0.post5+g012345678"),
        ("app/v2.0.0-rc1-0-g0123", False, "2.0.0-rc1"),
        ("app/v2.0.0rc1-3-g0123", False, "2.0.0rc1.post3+g012345678"),
    ],
)
def test_a_version_follows_the_tag_of_its_component(described, changed, version):
    found = version_from_tag(described, COMMIT, changed=changed)
    assert found == version
    assert Version(found)
