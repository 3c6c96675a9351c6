"""Trackers of other projects: Weights & Biases, MLflow. Each is set up by its own variables."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.domain.errors import RecipeError
from core.engine.tracking.sinks import Place, package
from core.store import files

PROJECT = "winnow"
"""The project of W&B, and the experiment of MLflow, that runs are written to."""

OFFLINE = ("offline", "dryrun", "disabled")


class WandB:
    """A run of Weights & Biases with the recipe and each epoch's measurements.

    A continued run is the same run there, by its id.
    """

    name = "Weights & Biases"

    def __init__(
        self, run_id: str, run_name: str, folder: Path, params: Mapping[str, Any]
    ) -> None:
        self._module = package("wandb", what="Writing to Weights & Biases", install="wandb")
        has_key = bool(os.environ.get("WANDB_API_KEY"))
        if not has_key and os.environ.get("WANDB_MODE") not in OFFLINE:
            raise RecipeError(
                "Weights & Biases is not set up: WANDB_API_KEY is not set.",
                hint="Set WANDB_API_KEY, or WANDB_MODE=offline, where Winnow is started.",
            )
        self._about = {"id": run_id, "name": run_name, "dir": str(folder), "config": dict(params)}
        self._run: Any = None

    def begin(self, place: Place) -> None:
        """Open the run before its first stage."""
        if self._run is None:
            self._run = self._module.init(project=PROJECT, resume="allow", **self._about)
            self._run.define_metric("epoch")
            self._run.define_metric("*", step_metric="epoch")

    def step(self, place: Place, values: Mapping[str, float]) -> None:
        """Leave steps out."""

    def epoch(self, place: Place, values: Mapping[str, float], *, seconds: float) -> None:
        """Send the measurements."""
        self._run.log({"epoch": place.epoch, "stage": place.stage, **values, "seconds": seconds})

    def close(self) -> None:
        """Say that the run has ended."""
        if self._run is not None:
            self._run.finish()


class MLflow:
    """A run of MLflow with the recipe and each epoch's measurements.

    Its id is kept beside the run, so that a continued run is the same run there.
    """

    name = "MLflow"

    def __init__(self, run_name: str, folder: Path, params: Mapping[str, Any]) -> None:
        self._module = package("mlflow", what="Writing to MLflow", install="mlflow")
        if not os.environ.get("MLFLOW_TRACKING_URI"):
            raise RecipeError(
                "MLflow is not set up: MLFLOW_TRACKING_URI is not set.",
                hint="Set MLFLOW_TRACKING_URI to a server's address where Winnow is started.",
            )
        self._run_name, self._params = run_name, dict(params)
        self._path = folder / "mlflow.json"
        self._is_open = False

    def begin(self, place: Place) -> None:
        """Open the run before its first stage; a new one gets the recipe."""
        if self._is_open:
            return
        if self._path.exists():
            self._module.start_run(run_id=files.load_json(self._path)["run_id"])
        else:
            self._module.set_experiment(PROJECT)
            made = self._module.start_run(run_name=self._run_name)
            self._module.log_params(self._params)
            files.write_json(self._path, {"run_id": made.info.run_id})
        self._is_open = True

    def step(self, place: Place, values: Mapping[str, float]) -> None:
        """Leave steps out."""

    def epoch(self, place: Place, values: Mapping[str, float], *, seconds: float) -> None:
        """Send the measurements."""
        measured = {**values, "stage": float(place.stage), "seconds": seconds}
        self._module.log_metrics(measured, step=place.epoch)

    def close(self) -> None:
        """Say that the run has ended."""
        if self._is_open:
            self._module.end_run()
