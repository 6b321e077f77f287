"""One table of requests and the versions they must meet.

The pure function and the real Envoy are both held to it.
"""

from dataclasses import dataclass

WEIGHTS = (0, 1, 7, 10, 15, 50, 99, 100)
DRAWN = "drawn"  # a newcomer: either version, by weight


@dataclass(frozen=True)
class Request:
    says: str
    weight_percent: int
    headers: tuple[tuple[str, str], ...]
    version: str
    method: str = "GET"


def _cookie(says, weight_percent, value, version, *more: tuple[str, str]) -> Request:
    return Request(says, weight_percent, (("cookie", value), *more), version)


FORGED = (("x-served-version", "v2"), ("x-canary-weight", "100"), ("x-palate-release", "r1"))
TABLE = (
    Request("no header at all", 10, (), DRAWN),
    Request("x-newvers", 10, (("x-newvers", "true"),), "v2"),
    Request("x-newvers, a write", 10, (("x-newvers", "true"),), "v2", "POST"),
    Request("x-newvers at weight 0", 0, (("x-newvers", "true"),), "v2"),
    Request("x-newvers must be true", 0, (("x-newvers", "false"),), "v1"),
    Request("x-newvers in capitals is something else", 0, (("x-newvers", "TRUE"),), "v1"),
    Request("x-newvers said twice is something else", 0, (("x-newvers", "true,true"),), "v1"),
    _cookie("x-newvers wins over a stable cohort", 10, "palate_r1=99", "v2", ("x-newvers", "true")),
    *(
        _cookie(
            f"cohort {cohort:02d} at {weight}", weight, f"palate_r1={cohort:02d}", "v2" if cohort < weight else "v1"
        )
        for weight in WEIGHTS
        for cohort in sorted({0, 6, 7, 9, 10, 14, 15, 49, 50, 98, 99, max(weight - 1, 0), min(weight, 99)})
    ),
    Request("a write follows its cohort", 10, (("cookie", "palate_r1=07"),), "v2", "POST"),
    Request("a write follows its stable cohort", 10, (("cookie", "palate_r1=10"),), "v1", "POST"),
    Request("HEAD follows its cohort", 10, (("cookie", "palate_r1=07"),), "v2", "HEAD"),
    _cookie("first of several cookies", 10, "palate_r1=07; theme=dark", "v2"),
    _cookie("last of several cookies", 10, "theme=dark; palate_r1=07", "v2"),
    _cookie("between others, without blanks", 10, "a=b;palate_r1=10;c=d", "v1"),
    _cookie("blank before the semicolon", 10, "palate_r1=07 ; a=b", "v2"),
    # At weight 0 and 100 a newcomer meets one version for certain, so what is no cohort cookie shows itself.
    _cookie("another cookie that ends alike", 100, "xpalate_r1=99", "v2"),
    _cookie("another cookie that ends alike, canary side", 0, "xpalate_r1=00", "v1"),
    _cookie("a cookie whose name goes on", 100, "palate_r1x=99", "v2"),
    _cookie("another release", 10, "palate_r2=07", DRAWN),
    _cookie("another release whose name begins alike", 10, "palate_r10=07", DRAWN),
    _cookie("the name in another cookie's value", 10, "a=palate_r1=07", DRAWN),
    _cookie("the cookie's name in capitals", 10, "PALATE_R1=07", DRAWN),
    _cookie("one digit", 10, "palate_r1=7", DRAWN),
    _cookie("three digits", 10, "palate_r1=007", DRAWN),
    _cookie("two digits and a letter", 10, "palate_r1=07a", DRAWN),
    _cookie("no digits", 10, "palate_r1=", DRAWN),
    _cookie("an earlier release's cookie beside this one's", 10, "palate_r0=99; palate_r1=07", "v2"),
    _cookie("another cookie in Latin-1", 10, "name=caf\xe9; palate_r1=07", "v2"),
    _cookie("said twice, the canary side wins", 10, "palate_r1=55; palate_r1=07", "v2"),
    _cookie("forged headers do not move a cohort", 10, "palate_r1=10", "v1", *FORGED),
)
