"""Where a run is written besides Winnow's own store: a CSV, TensorBoard, W&B, MLflow."""

from core.engine.tracking.tracker import Tracker, build

__all__ = ["Tracker", "build"]
