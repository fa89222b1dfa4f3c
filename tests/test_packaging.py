"""What `make` installs, and the example it runs."""

from __future__ import annotations

import csv
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "bike-sharing"


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    texts = [*project["dependencies"], *(text for extra in extras for text in extra)]
    return [Requirement(text) for text in texts]


def test_each_dependency_is_pinned_at_a_version_that_pyproject_allows() -> None:
    pinned = pins()
    linux = [r for r in requirements() if not r.marker or r.marker.evaluate({"sys_platform": "linux"})]
    assert all(r.specifier.contains(pinned[canonicalize_name(r.name)]) for r in linux)


def test_the_constraints_hold_versions_and_no_addresses() -> None:
    assert not [pin for pin in pins().items() if "/" in "".join(pin) or "@" in "".join(pin)]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_example_keeps_the_answers_from_whoever_looks_into_its_folder() -> None:
    train, test = rows(EXAMPLE / "train.csv"), rows(EXAMPLE / "test.csv")
    assert set(train[0]) - set(test[0]) == {"casual", "registered", "bikers"}
    assert not {row["datetime"] for row in train} & {row["datetime"] for row in test}
    assert len(train) + len(test) == 8645
    assert {path.name for path in EXAMPLE.iterdir()} == {
        "description.md",
        "sample_submission.csv",
        "test.csv",
        "train.csv",
    }


def test_the_example_has_an_answer_for_each_row_to_be_predicted() -> None:
    tables = [
        EXAMPLE / "test.csv",
        EXAMPLE / "sample_submission.csv",
        ROOT / "examples/bike-sharing-source/answers.csv",
    ]
    hours = [[row["datetime"] for row in rows(table)] for table in tables]
    assert hours[0] == hours[1] == hours[2]
    assert len(hours[0]) == len(set(hours[0]))
