"""Experiments that were never run, for pages that show many: rows as the index gives them, drawn with a fixed seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from expfw.index import Row

DATA = ("iris", "iris", "iris", "wine", "diabetes")
MODELS = {
    "iris": ("sklearn.linear_model.LogisticRegression", "sklearn.ensemble.RandomForestClassifier"),
    "diabetes": ("sklearn.linear_model.Ridge", "sklearn.ensemble.RandomForestRegressor"),
}


def made_rows(count: int, root: Path, *, seed: int = 7) -> list[Row]:
    """``count`` experiments as a team might have done them, without their folders."""
    chance = random.Random(seed)
    started = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
    rows = []
    for number in range(1, count + 1):
        started += timedelta(minutes=chance.expovariate(1 / 90))
        rows.append(_row(number, root, started, chance))
    return rows


def with_reports(rows: list[Row]) -> Iterator[Path]:
    """Give each experiment a page of its own."""
    for row in rows:
        page = row.path / "report" / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f"<title>experiment {row.id}</title>", encoding="utf-8")
        yield page


def hostile(row: Row, text: str) -> Row:
    """The experiment with a text of somebody's choice wherever a text can stand."""
    metrics: dict[str, dict[str, Any]] = {
        "validation": {text: {"mean": 0.5, "std": 0.1, "folds": [0.5]}},
        "test": {text: 0.5},
    }
    settings = {**row.settings, f"model.params.{text}": text, "model.type": text}
    told: dict[str, Any] = {"name": text, "description": text, "tags": (text,), "error": text, "findings": (text,)}
    return row._replace(settings=settings, metrics=metrics, status="FAILED", **told)


def _row(number: int, root: Path, started: datetime, chance: random.Random) -> Row:
    data = chance.choice(DATA)
    ending = chance.choices(("COMPLETED", "FAILED", "INTERRUPTED"), (90, 7, 3))[0]
    settings = _settings(data, chance)
    seconds = chance.lognormvariate(2, 1)
    short = settings["model.type"].rpartition(".")[2]
    return Row(
        id=number,
        name=f"{data}_{'forest' if 'Forest' in short else 'linear'}",
        status=ending,
        description=f"{short} on {data}",
        tags=tuple(tag for tag, share in (("baseline", 0.1), ("paper", 0.2), ("grid", 0.5)) if chance.random() < share),
        started=started.isoformat(),
        stopped=(started + timedelta(seconds=seconds)).isoformat(),
        seconds=seconds,
        settings=settings,
        metrics=_metrics(data, settings, number, chance) if ending == "COMPLETED" else {"validation": {}, "test": {}},
        parents=(number - 1,) if number > 1 and chance.random() < 0.1 else (),
        folder=root / f"result_experiment_{number}",
        error="ValueError: Input X contains NaN" if ending == "FAILED" else None,
        hash=f"{number:08x}",
        data=f"digest-of-{data}",
        folds=f"folds-of-{data}",
        findings=("EX104",) if chance.random() < 0.05 else (),
    )


def _settings(data: str, chance: random.Random) -> dict[str, Any]:
    linear, forest = MODELS.get(data, MODELS["iris"])
    settings: dict[str, Any] = {
        "data_source.type": "SklearnDataset",
        "data_source.params.name": data,
        "resampling.type": "sklearn.model_selection.StratifiedKFold",
        "resampling.params.n_splits": 5,
        "features.type": "TabularFeatures",
        "features.params.scale": chance.random() < 0.7,
    }
    if chance.random() < 0.6:
        depth = chance.choice((2, 4, 8, 16, None))
        trees = chance.randrange(20, 500, 10)
        return {**settings, "model.type": forest, "model.params.n_estimators": trees, "model.params.max_depth": depth}
    strength = "alpha" if data == "diabetes" else "C"
    return {**settings, "model.type": linear, f"model.params.{strength}": round(10 ** chance.uniform(-3, 3), 5)}


def _metrics(data: str, settings: dict[str, Any], number: int, chance: random.Random) -> dict[str, Any]:
    gain = 0.05 * min(number, 2000) / 2000 + (0.03 if "n_estimators" in str(settings) else 0) + chance.gauss(0, 0.015)
    if data == "diabetes":
        mean = 58 - 80 * gain
        return _measured("root_mean_squared_error", mean, 3.0, chance)
    mean = min(1.0, (0.9 if data == "iris" else 0.86) + gain)
    accuracy = _measured("accuracy", mean, 0.02, chance)
    f1 = _measured("f1_macro", mean - 0.01, 0.02, chance)
    return {part: {**accuracy[part], **f1[part]} for part in accuracy}


def _measured(name: str, mean: float, std: float, chance: random.Random) -> dict[str, Any]:
    folds = [mean + chance.gauss(0, std) for _ in range(5)]
    return {
        "validation": {name: {"mean": mean, "std": std, "ci95": [mean - std, mean + std], "folds": folds}},
        "test": {name: mean - chance.random() * std},
    }
