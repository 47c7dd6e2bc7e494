"""What is left of a run: from its plan and from its steps."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mineral_anomaly import ElementCube
from napari_mineral_anomaly.detectors.pipeline import run_detection
from napari_mineral_anomaly.detectors.registry import make_config
from napari_mineral_anomaly.progress import PLAN, Part, ProgressEvent, Task
from napari_mineral_anomaly.simulate import simulate_section
from napari_mineral_anomaly.time_left import TimeLeft, about_left, duration

TWO = (Part("training", 10.0), Part("scoring", 30.0))


def planned(*parts: Part) -> TimeLeft:
    clock = TimeLeft()
    clock.hear(ProgressEvent(PLAN, parts=parts), 0.0)
    return clock


def test_a_slower_computer_takes_longer_for_all_parts() -> None:
    clock = planned(*TWO)
    assert clock.seconds(0.0) is None
    clock.hear(ProgressEvent("training", 50, 100), 10.0)  # twice as slow as planned
    assert clock.seconds(10.0) == pytest.approx(70.0)
    clock.hear(ProgressEvent("training", 100, 100), 20.0)
    assert clock.seconds(20.0) == pytest.approx(60.0)
    assert clock.share(20.0) == pytest.approx(0.25)
    assert clock.seconds(25.0) == pytest.approx(55.0)  # it goes on without steps


def test_nothing_is_told_after_one_early_step() -> None:
    clock = planned(*TWO)
    clock.hear(ProgressEvent("training", 1, 100), 0.5)
    assert clock.seconds(0.5) is None


def test_a_part_that_ends_early_leaves_less_and_no_wrong_speed() -> None:
    clock = planned(*TWO)
    clock.hear(ProgressEvent("training", 50, 100), 5.0)
    assert clock.seconds(5.0) == pytest.approx(35.0)
    clock.hear(ProgressEvent("scoring", 1, 1000), 5.1)
    for moment in range(6, 20):
        clock.hear(ProgressEvent("scoring", (moment - 5) * 33, 1000), float(moment))
        left = clock.seconds(float(moment))
    assert left == pytest.approx(30.0 - 14.0, abs=1.0)


def test_steps_that_start_again_belong_to_the_next_part_of_that_phase() -> None:
    clock = planned(Part("heads", 1.0), Part("heads", 9.0))
    clock.hear(ProgressEvent("heads", 10, 10), 2.0)
    clock.hear(ProgressEvent("heads", 10, 10), 20.0)
    assert clock.seconds(20.0) == pytest.approx(0.0)
    clock = planned(Part("heads", 1.0), Part("heads", 9.0))
    clock.hear(ProgressEvent("heads", 10, 10), 2.0)
    clock.hear(ProgressEvent("heads", 3, 10), 7.4)
    assert clock.seconds(7.4) == pytest.approx(12.6)


def test_a_phase_that_the_plan_does_not_know_changes_nothing() -> None:
    clock = planned(*TWO)
    clock.hear(ProgressEvent("training", 50, 100), 5.0)
    before = clock.seconds(5.0)
    clock.hear(ProgressEvent("reading", 1, 2), 5.0)
    assert clock.seconds(5.0) == before == pytest.approx(35.0)


def test_what_is_told_moves_slowly() -> None:
    clock = planned(Part("training", 100.0))
    clock.hear(ProgressEvent("training", 10, 100), 10.0)
    assert clock.seconds(10.0) == pytest.approx(90.0)
    # One step took nine seconds instead of one: 154 s would be left by the numbers alone.
    clock.hear(ProgressEvent("training", 11, 100), 19.0)
    left = clock.seconds(19.0)
    assert left is not None
    assert 81.0 < left < 125.0
    shares = [clock.share(19.0 + seconds) for seconds in range(5)]
    assert shares == sorted(shares)


def test_a_new_plan_counts_at_once_and_keeps_the_speed() -> None:
    clock = planned(*TWO)
    clock.hear(ProgressEvent("training", 100, 100), 20.0)
    assert clock.seconds(20.0) == pytest.approx(60.0)
    longer = (Part("training", 40.0), Part("scoring", 30.0))
    clock.hear(ProgressEvent(PLAN, parts=longer), 20.0)
    assert clock.seconds(20.0) == pytest.approx(140.0)


def test_a_plan_ends_with_what_follows() -> None:
    events: list[ProgressEvent] = []
    task = Task(events.append).before(Part("scoring", 3.0))
    task.plan(Part("training", 5.0))
    assert events[0].phase == PLAN
    assert events[0].parts == (Part("training", 5.0), Part("scoring", 3.0))
    task.quiet().plan(Part("training", 5.0))
    assert len(events) == 1


@pytest.mark.parametrize("quick", [True, False])
def test_every_step_of_msfa_belongs_to_its_plan(quick: bool) -> None:
    cube = simulate_section("easy", shape=(48, 56), seed=2).cube
    events: list[ProgressEvent] = []
    config = make_config("msfa", quick=quick, **({} if quick else {"epochs": 4}))
    run_detection(cube, "msfa", config, task=Task(events.append))
    first = next(k for k, event in enumerate(events) if event.phase == PLAN)
    known = {part.phase for event in events for part in event.parts}
    assert {event.phase for event in events[first:]} - {PLAN} <= known
    # The last step ends the last part: nothing is left.
    clock = TimeLeft()
    for second, event in enumerate(events):
        clock.hear(event, float(second))
    assert clock.seconds(float(len(events))) == pytest.approx(0.0, abs=1.0)


def test_noise_that_hides_what_is_odd_makes_the_plan_longer() -> None:
    maps = np.random.default_rng(0).poisson(3.0, (6, 60, 60)).astype(np.uint16)
    cube = ElementCube(maps, ["Si", "Al", "Fe", "Ca", "K", "Zr"])
    events: list[ProgressEvent] = []
    run_detection(cube, "msfa", make_config("msfa", epochs=4), task=Task(events.append))
    plans = [event.parts for event in events if event.phase == PLAN]
    assert len(plans) == 2
    training = [[part.phase for part in plan].count("training") for plan in plans]
    assert training == [2, 3]
    assert [part.phase for part in plans[1]][-2:] == ["surroundings", "heads"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(8.4, "8 s"), (180, "3 min"), (4800, "80 min"), (7800, "2 h 10 min")]
)
def test_durations_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2, "a few seconds left"), (7.2, "about 7 s left"), (43, "about 45 s left"),
     (170, "about 3 min left"), (7800, "about 2 h 10 min left")],
)  # fmt: skip
def test_what_is_left_in_round_numbers(seconds: float, text: str) -> None:
    assert about_left(seconds) == text
