"""The page on simulated worlds counts what is as it should be."""

from candlelab.report import simulation_page

ROWS = [
    {
        "market": "plain",
        "yes: money": 0.0,
        "covers: direction": 0.95,
        "edge": 0.54,
        "power": 0.8,
        "worlds": 300,
        "again": 1500,
        "bars": 2000,
        "seed": 0,
        "code": "x",
    },
    {
        "market": "ties",
        "yes: money": 0.05,
        "covers: direction": 0.90,
        "edge": 0.55,
        "power": 0.87,
        "worlds": 300,
        "again": 1500,
        "bars": 2000,
        "seed": 0,
        "code": "x",
    },
]


def test_each_share_is_counted_against_its_own_bounds():
    lines = simulation_page.summary(ROWS)
    assert "| yes: money | 0 to 0.04 | 0.025 | 0.000 to 0.050 | 1 of 2 |" in lines
    assert "| covers: direction | 0.93 to 0.97 | 0.925 | 0.900 to 0.950 | 1 of 2 |" in lines and len(lines) == 5


def test_luck_alone_puts_a_coverage_of_300_worlds_outside_in_11_of_100():
    assert "0.0126" in simulation_page.noise_of(300) and "11.2 %" in simulation_page.noise_of(300)


def test_the_page_has_one_line_per_kind_of_world_and_its_command():
    page = simulation_page.markdown(ROWS)
    assert (
        "| plain | 0.000 | 0.950 | 0.540 | 0.800 |" in page
        and "task=simulate" in page
        and "300 histories of 2000 test bars" in page
    )


def test_a_line_with_a_share_outside_is_known():
    assert [simulation_page.is_doubtful(row) for row in ROWS] == [False, True]
