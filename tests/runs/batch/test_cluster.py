"""A batch on a Dask cluster: a local one, and a scheduler with workers of which one is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from napari_mineral_anomaly.errors import InputError
from napari_mineral_anomaly.progress import Task
from napari_mineral_anomaly.runs.batch import cluster as batch_cluster
from napari_mineral_anomaly.runs.batch.cluster import Cluster
from napari_mineral_anomaly.runs.batch.recipe import Recipe
from napari_mineral_anomaly.runs.batch.rows import MACHINE_COLUMNS
from napari_mineral_anomaly.runs.batch.run import run_batch

distributed = pytest.importorskip("distributed")

RX = Recipe(detector="rx", threshold=3.5)
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def wait_for(condition: Callable[[], object], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[subprocess.Popen, Path]]:
    """A scheduler on loopback, and the file that it writes its address to."""
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"]
    command += ["--port", "0", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file)]
    with subprocess.Popen(command, cwd=tmp_path, **QUIET) as process:
        yield process, file
        process.kill()


def test_a_local_cluster_gives_the_same_rows_and_is_waited_for(
    whole, sections, tmp_path, table, monkeypatch
):
    monkeypatch.setattr(batch_cluster, "_SECONDS_WITHOUT_WORKERS", 0.1)
    notes: list[str] = []
    with distributed.LocalCluster(
        n_workers=0, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0"
    ) as local:

        def told(event):
            if event.phase == "note" and not notes:
                notes.append(event.message)
                local.scale(1)

        place = Cluster(local.scheduler_address)
        scans = [sections / "broken", sections / "s1"]
        run_batch(scans, tmp_path / "out", RX, cluster=place, task=Task(told))
    assert notes == ["The Dask cluster has no worker: the sections wait until one is started."]
    found, expected = table(tmp_path / "out"), table(whole)
    assert found["state"].tolist() == ["failed", "done"]
    assert float(found["seconds"][1]) > 0
    same = found.columns.drop(list(MACHINE_COLUMNS))
    assert found[same].equals(expected[same].head(2))


def test_a_scheduler_that_ends_is_told_and_the_batch_can_go_on(
    sections, tmp_path, scheduler, monkeypatch
):
    process, file = scheduler
    monkeypatch.setattr(batch_cluster, "_SECONDS_WITHOUT_WORKERS", 0.1)

    def told(event):
        if event.phase == "note":
            process.kill()

    with pytest.raises(InputError, match=r"Dask scheduler was lost: .*--resume"):
        run_batch(
            [sections / "s1"],
            tmp_path / "out",
            RX,
            cluster=Cluster(scheduler_file=str(file)),
            task=Task(told),
        )
    rows = pd.read_csv(tmp_path / "out" / "sections.csv")
    assert rows["state"].tolist() == ["waiting"]


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "is not there"), ("{", "holds no address"), ("[]", "holds no address")],
)
def test_a_scheduler_file_without_an_address_is_told(
    sections, tmp_path, monkeypatch, content, told
):
    monkeypatch.setattr(batch_cluster, "_SECONDS_TO_CONNECT", 0.3)
    file = tmp_path / "scheduler.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError, match=f"{file.name} {told}: start the scheduler"):
        run_batch(
            [sections / "s1"], tmp_path / "out", RX, cluster=Cluster(scheduler_file=str(file))
        )


def test_a_scheduler_that_does_not_answer_is_told(sections, tmp_path, monkeypatch):
    monkeypatch.setattr(batch_cluster, "_SECONDS_TO_CONNECT", 0.3)
    for address in ("tcp://127.0.0.1:1", "nonsense"):
        with pytest.raises(InputError, match=f"scheduler at {address} does not answer"):
            run_batch(
                [sections / "s1"], tmp_path / "out", RX, resume=True, cluster=Cluster(address)
            )


@pytest.mark.slow
@pytest.mark.timeout_seconds(1500)
def test_a_worker_that_is_killed_costs_no_section(
    whole, sections, tmp_path, scheduler, without_machine
):
    _, file = scheduler
    out = tmp_path / "out"
    wait_for(file.exists)
    command = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file)]
    command += ["--nthreads", "1", "--no-dashboard", "--no-nanny", "--host", "127.0.0.1", "--name"]
    workers = {
        name: subprocess.Popen([*command, name], cwd=tmp_path, **QUIET) for name in ("w1", "w2")
    }
    batch = [sys.executable, "-m", "napari_mineral_anomaly", "batch", str(sections), "-o", str(out)]
    batch += ["--recipe", str(whole.parent / "recipe.toml"), "--scheduler-file", str(file)]
    try:
        with distributed.Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=600)
            process = subprocess.Popen(batch, **QUIET)

            def at_work() -> dict[str, str]:
                """The worker of each section that is in a worker's process now."""
                names = {a: w["name"] for a, w in client.scheduler_info()["workers"].items()}
                return {
                    str(key).rsplit("-", 1)[0]: names[address]
                    for address, keys in client.processing().items()
                    for key in keys
                    if (out / ".batch" / f"{str(key).rsplit('-', 1)[0]}.lock").exists()
                }

            def lost() -> list[str]:
                return [name for name in at_work() if name != "broken"]

            wait_for(lost)
            section = lost()[0]
            workers[at_work()[section]].kill()
            assert not (out / section / "run.json").exists()
            assert process.wait(600) == 1
            assert len(client.scheduler_info()["workers"]) == 1
    finally:
        for worker in workers.values():
            worker.kill()
            worker.wait()
    assert (out / section / "run.json").is_file()
    assert without_machine(out) == without_machine(whole)
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == [".batch"]
