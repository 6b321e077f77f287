"""Rounds become medians, medians a table, and the table finds its place in the page."""

import pytest
from serving_bench.figures import BEGIN, END, line_of, plot, table, with_report
from serving_bench.load import Run


def run(requests_per_s, cpu_us=100.0):
    return Run(requests_per_s, p50_ms=1.0, p99_ms=2.0, cpu_us=cpu_us, failed=1, others_share=0.1)


@pytest.fixture
def lines():
    ours = line_of("ours", [run(9_000), run(10_000), run(2_000)], 50_000.0, 0.9, 64 << 20)
    theirs = line_of("theirs", [run(1_800, 900.0)], None, 7.0, 1 << 30)
    return [ours, theirs]


def test_a_line_has_the_medians_and_the_sum_of_failures(lines):
    assert (lines[0].requests_per_s, lines[0].failed, lines[0].pss_mib) == (9_000, 3, 64)


def test_the_table_says_how_many_times_more_the_reference_answers(lines):
    rows = table(lines, "ours").splitlines()
    assert rows[2].startswith("| **ours** | 100 | 9,000 | 1.00 |")
    assert rows[3].startswith("| theirs | 900 | 1,800 | 5.00 |")
    assert "| - | 7.0 | 1,024 |" in rows[3]


def test_the_report_replaces_the_last_one_and_nothing_else():
    page = f"# Title\n{BEGIN}\nold\n{END}\nrest\n"
    once = with_report(page, "new\n")
    assert once == f"# Title\n{BEGIN}\nnew\n{END}\nrest\n"
    assert with_report(once, "new\n") == once


def test_a_page_without_the_marks_is_refused():
    with pytest.raises(ValueError, match="no part between"):
        with_report("# Title\n", "new\n")


def test_the_plot_is_a_picture(lines, tmp_path):
    plot(lines, tmp_path / "serving.png")
    assert (tmp_path / "serving.png").read_bytes().startswith(b"\x89PNG")
