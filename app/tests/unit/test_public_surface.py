"""Every package says what is public."""

import review_app
from review_app import adapters, domain, http


def test_what_a_package_names_is_there_and_nothing_else_is_imported_into_it():
    for package in (review_app, domain, adapters, http):
        assert package.__all__ == sorted(package.__all__, key=str.casefold) or package is review_app
        assert all(hasattr(package, name) for name in package.__all__)
