"""The background jobs of a dock: which job cancels which, and who hears of an ending."""

from __future__ import annotations

from typing import Any

import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.window.jobs import Failure, SyncExecutor
from napari_mineral_anomaly.window.kit.dock_jobs import DockJobs, abandon


@pytest.fixture
def failures() -> list[str]:
    return []


@pytest.fixture
def jobs(by_hand: Any, failures: list[str]) -> DockJobs:
    return DockJobs(by_hand, lambda failure: failures.append(failure.sentence))


def test_a_new_job_cancels_the_earlier_one_of_its_kind_only(jobs: DockJobs, by_hand: Any) -> None:
    ended: list[str] = []
    for number in (1, 2):
        jobs.run(
            "reading",
            lambda task, n=number: n,
            lambda n: ended.append(f"read {n}"),
            on_cancelled=lambda n=number: ended.append(f"cancelled {n}"),
        )
        jobs.run("counting", lambda task, n=number: n, lambda n: ended.append(f"counted {n}"))
    assert ended == ["cancelled 1"]
    while by_hand.waiting:
        by_hand.run_next()
    assert ended == ["cancelled 1", "read 2", "counted 2"]
    assert not jobs.is_running("reading", "counting")


def test_jobs_alongside_each_other_all_end(jobs: DockJobs, by_hand: Any) -> None:
    ended: list[int] = []
    for number in (1, 2):
        jobs.run("saving", lambda task, n=number: n, ended.append, alongside=True)
    by_hand.run_next()
    assert jobs.is_running("saving")
    by_hand.run_next()
    assert ended == [1, 2]
    assert not jobs.is_running("saving")


@pytest.mark.parametrize("ending", ["done", "failed", "cancelled"])
def test_the_common_end_comes_before_each_ending(
    jobs: DockJobs, by_hand: Any, failures: list[str], ending: str
) -> None:
    heard: list[str] = failures

    def work(task: Task) -> str:
        if ending == "failed":
            raise InputError("failed")
        return "done"

    jobs.run(
        "reading",
        work,
        heard.append,
        on_cancelled=lambda: heard.append("cancelled"),
        on_end=lambda: heard.append("end"),
    )
    if ending == "cancelled":
        jobs.cancel("reading")
    by_hand.run_next()
    assert heard == ["end", ending]


def test_a_failure_goes_to_the_job_that_asks_for_it(failures: list[str]) -> None:
    def work(task: Task) -> None:
        raise InputError("No such file.")

    own: list[Failure] = []
    jobs = DockJobs(SyncExecutor(), lambda failure: failures.append(failure.sentence))
    jobs.run("reading", work, on_failed=own.append)
    assert failures == []
    assert own == [Failure("No such file.", expected=True)]
    jobs.run("reading", work)
    assert failures == ["No such file."]


def test_the_name_for_people_may_differ_from_the_kind(jobs: DockJobs, by_hand: Any) -> None:
    jobs.run("detecting", lambda task: 1, name="RX")
    assert jobs.is_running("detecting")
    assert by_hand.run_next() == "RX"


def test_abandoned_jobs_end_in_silence(jobs: DockJobs, by_hand: Any, failures: list[str]) -> None:
    jobs.run("reading", lambda task: failures.append("ran"), on_end=lambda: failures.append("end"))
    abandon(jobs.handles)
    by_hand.run_next()
    assert failures == []
    assert not jobs.is_running("reading")
