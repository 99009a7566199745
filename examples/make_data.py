"""Writes the tables of this folder from those that scikit-learn ships.

Run ``pip install scikit-learn``, then ``python examples/make_data.py``. The tables stay in the repository: nothing else
needs scikit-learn.

The tables are those of scikit-learn 1.9 (BSD licence): diabetes by Efron, Hastie, Johnstone and Tibshirani (2004, Least
Angle Regression), iris by R. A. Fisher (1936), digits by E. Alpaydin and C. Kaynak (1998), breast cancer by W. Wolberg,
W. N. Street and O. Mangasarian (1995), the last three as in the UCI Machine Learning Repository (CC BY 4.0).
"""

import csv
from pathlib import Path

FOLDER = Path(__file__).parent
INTERPOLATED_ROWS = 12


def write(name: str, header: list[str], rows: list[list[str]]) -> None:
    with (FOLDER / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    print(f"{name}: {len(rows)} rows")


def main() -> None:
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris

    diabetes = load_diabetes(scaled=False)
    header = [*diabetes.feature_names, "progression"]
    rows = [
        [f"{value:.6g}" for value in (*features, target)]
        for features, target in zip(diabetes.data, diabetes.target, strict=True)
    ]
    write("diabetes.csv", header, rows)

    # The first rows again, with body-mass index, blood pressure and progression on comparable scales.
    bmi, pressure = diabetes.feature_names.index("bmi"), diabetes.feature_names.index("bp")
    few = [
        [f"{(features[bmi] - 26) / 5:.3f}", f"{(features[pressure] - 95) / 15:.3f}", f"{(target - 150) / 75:.3f}"]
        for features, target in zip(diabetes.data[:INTERPOLATED_ROWS], diabetes.target, strict=False)
    ]
    write("diabetes_12_rows.csv", ["bmi", "pressure", "progression"], few)

    iris = load_iris()
    header = ["sepal_length", "sepal_width", "petal_length", "petal_width", "virginica"]
    rows = [
        [f"{value:.1f}" for value in features] + [str(int(species == 2))]
        for features, species in zip(iris.data, iris.target, strict=True)
        if species > 0
    ]
    write("iris_two_species.csv", header, rows)

    # With mean 0 and variance 1: the measures have very different scales.
    cancer = load_breast_cancer()
    header = [*(name.replace(" ", "_") for name in cancer.feature_names), "benign"]
    standardised = (cancer.data - cancer.data.mean(axis=0)) / cancer.data.std(axis=0)
    rows = [
        [f"{value:.3f}" for value in features] + [str(int(target))]
        for features, target in zip(standardised, cancer.target, strict=True)
    ]
    write("breast_cancer.csv", header, rows)

    digits = load_digits()
    header = [*(f"p{i}{j}" for i in range(8) for j in range(8)), "digit"]
    rows = [
        [str(int(value)) for value in (*pixels, digit)]
        for pixels, digit in zip(digits.data, digits.target, strict=True)
    ]
    write("digits.csv", header, rows)


if __name__ == "__main__":
    main()
