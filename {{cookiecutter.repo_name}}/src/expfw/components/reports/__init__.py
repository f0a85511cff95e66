"""Default reports: what every page can show about predictions, metrics and time.

Each takes the validation predictions where there are any, else those on the test rows. A report that does not fit the
task adds nothing, so the same list of reports serves classification, regression and unlabelled data.
"""

from expfw.components.reports.classification import CalibrationCurve, ConfusionMatrix, RocCurve
from expfw.components.reports.general import FoldSpread, MetricsTable, TimingTable
from expfw.components.reports.regression import PredictionVsTruth, Residuals

__all__ = [
    "CalibrationCurve",
    "ConfusionMatrix",
    "FoldSpread",
    "MetricsTable",
    "PredictionVsTruth",
    "Residuals",
    "RocCurve",
    "TimingTable",
]
