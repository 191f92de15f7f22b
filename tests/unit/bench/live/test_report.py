import json
from xml.etree import ElementTree

import pytest

from tests.bench.live import chart, report

REST = {
    "cores": {"router": 0.004, "sms": 0.005, "push": 0.004, "total": 0.013},
    "other_cores": 0.0,
    "wakeups_per_s": {"router": 25, "sms": 21, "total": 46},
    "calibration_ms": 4.31,
}
LOAD = {
    "us": {"router": 2000, "webhook": 1500, "total": 3500},
    "cores": {"router": 0.2, "webhook": 0.15, "total": 0.35},
    "other_cores": 0.125,
    "wakeups_per_s": {"router": 500, "webhook": 400, "total": 900},
    "per_s": 100,
    "ms": {"p50": 20.4, "p90": 40.0, "p99": 99.5},
    "calibration_ms": 5.0,
}
RUNS = {"rest": REST, "100 & more": LOAD}


def test_the_last_results_of_a_page_or_of_an_output_are_found() -> None:
    results = {"live_seconds": 1.0, "live": RUNS}
    page = f"```json\n{json.dumps({'live': {}})}\n```\n```json\n{json.dumps(results, indent=1)}\n```\n```json\n{{}}\n```\n"
    assert report.find_last_results(page) == results
    assert report.find_last_results(f"live rest: {{}}\n{json.dumps(results)}\n") == results
    with pytest.raises(ValueError, match="run python"):
        report.find_last_results("```json\n{}\n```\n")


def test_a_row_has_the_workers_of_all_channels_in_one_column() -> None:
    rows = report.build_table(RUNS).splitlines()
    assert rows[2] == "| rest | 0 | 4 | 9 | 0 | 0 | 0 | 0 | 13 | 0.01 | 0.00 |  |  | 46 | 4.3 |"
    assert rows[3] == "| 100 & more | 0 | 2,000 | 1,500 | 0 | 0 | 0 | 0 | 3,500 | 0.35 | 0.12 | 100 | 20 / 40 / 100 | 900 | 5.0 |"
    assert report.build_wakeups_table(RUNS).splitlines()[3] == "| 100 & more | 0 | 500 | 400 | 0 | 0 | 0 | 0 |"


def test_only_the_named_block_of_a_page_is_replaced() -> None:
    page = "a\n<!-- live before -->\nold\n<!-- end of live before -->\nb\n"
    assert report.replace_block(page, "before", "new\n") == "a\n<!-- live before -->\nnew\n<!-- end of live before -->\nb\n"
    with pytest.raises(ValueError, match="<!-- live after -->"):
        report.replace_block(page, "after", "new\n")


def test_the_chart_is_xml_with_a_bar_per_process_and_a_point_per_percentile() -> None:
    root = ElementTree.fromstring(chart.draw_chart("title", report.build_chart_rows(RUNS)))
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert tags.count("circle") == 3
    assert tags.count("rect") == 1 + len(report.PROCESSES) * (1 + len(RUNS))
    assert "100 & more" in [element.text for element in root.iter()]


def test_a_latency_outside_of_the_scale_is_at_its_border() -> None:
    low, high = chart.LATENCY_RANGE_MS
    assert chart.scale_latency(low / 2) == chart.scale_latency(low) == chart.LATENCY_LEFT
    assert chart.scale_latency(high * 2) == chart.scale_latency(high) == chart.LATENCY_LEFT + chart.LATENCY_WIDTH
