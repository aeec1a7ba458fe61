"""Made-up data with the columns of the data sets that seaborn's examples load from the network."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd

STATES = ["AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID"]
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _rng() -> np.random.Generator:
    return np.random.default_rng(3)


def anscombe() -> pd.DataFrame:
    r = _rng()
    sets = np.repeat(["I", "II", "III", "IV"], 11)
    return pd.DataFrame({"dataset": sets, "x": r.uniform(4, 14, 44), "y": r.uniform(4, 11, 44)})


def diamonds() -> pd.DataFrame:
    r, n = _rng(), 200
    carat = r.lognormal(-0.4, 0.5, n)
    cuts = ["Ideal", "Premium", "Very Good", "Good", "Fair"]
    clarities = ["IF", "VVS1", "VVS2", "VS1", "VS2", "SI1", "SI2", "I1"]
    return pd.DataFrame(
        {
            "carat": carat,
            "cut": pd.Categorical(r.choice(cuts, n), cuts),
            "color": pd.Categorical(r.choice(list("DEFG"), n), list("DEFG")),
            "clarity": pd.Categorical(r.choice(clarities, n), clarities),
            "depth": r.normal(61, 1.4, n),
            "price": 4000 * carat**1.6 * r.lognormal(0, 0.2, n),
        }
    )


def fmri() -> pd.DataFrame:
    r = _rng()
    rows = itertools.product(range(4), range(19), ["stim", "cue"], ["parietal", "frontal"])
    made = [(*row, np.sin(row[1] / 3) * (1 + (row[2] == "cue")) + r.normal(0, 0.2)) for row in rows]
    return pd.DataFrame(made, columns=["subject", "timepoint", "event", "region", "signal"])


def penguins() -> pd.DataFrame:
    r, n = _rng(), 90
    kind = r.integers(0, 3, n)
    return pd.DataFrame(
        {
            "species": np.array(["Adelie", "Chinstrap", "Gentoo"])[kind],
            "bill_length_mm": 38 + kind * 5 + r.normal(0, 2.5, n),
            "bill_depth_mm": 19 - kind * 1.5 + r.normal(0, 1, n),
            "flipper_length_mm": 190 + kind * 13 + r.normal(0, 6, n),
            "body_mass_g": 3700 + 600 * kind + r.normal(0, 350, n),
            "sex": r.choice(["Male", "Female"], n),
        }
    )


def dots() -> pd.DataFrame:
    r = _rng()
    rows = itertools.product(["dots", "sacc"], ["T1", "T2"], range(-600, 800, 100), [0, 3.2, 12.8, 51.2])
    made = [(*row, 30 + row[3] / 2 * (row[2] > 0) + r.normal(0, 3)) for row in rows]
    return pd.DataFrame(made, columns=["align", "choice", "time", "coherence", "firing_rate"])


def tips() -> pd.DataFrame:
    r, n = _rng(), 100
    bill = r.gamma(6, 3, n)
    days = ["Thur", "Fri", "Sat", "Sun"]
    return pd.DataFrame(
        {
            "total_bill": bill,
            "tip": bill * 0.15 + r.normal(0, 0.6, n),
            "smoker": pd.Categorical(r.choice(["Yes", "No"], n), ["Yes", "No"]),
            "day": pd.Categorical(r.choice(days, n), days),
        }
    )


def brain_networks() -> pd.DataFrame:
    r = _rng()
    names = [
        (str(network), str(node), side)
        for network in (1, 5, 6, 7)
        for node in (1, 2)
        for side in ("lh", "rh")
    ]
    columns = pd.MultiIndex.from_tuples(names, names=["network", "node", "hemi"])
    base = r.normal(0, 1, (40, 4))
    values = np.column_stack([base[:, i // 4] + r.normal(0, 0.8, 40) for i in range(len(names))])
    return pd.DataFrame(values, columns=columns)


def planets() -> pd.DataFrame:
    r, n = _rng(), 120
    methods = ["Radial Velocity", "Transit", "Imaging", "Microlensing"]
    return pd.DataFrame(
        {
            "method": r.choice(methods, n),
            "orbital_period": 10 ** r.uniform(0, 4, n),
            "mass": 10 ** r.uniform(-2, 1.3, n),
            "distance": 10 ** r.uniform(0.5, 3.8, n),
            "year": r.integers(1992, 2015, n),
        }
    )


def iris() -> pd.DataFrame:
    r, kind = _rng(), np.repeat([0, 1, 2], 30)
    return pd.DataFrame(
        {
            "sepal_length": 5 + 0.7 * kind + r.normal(0, 0.4, 90),
            "sepal_width": 3.3 - 0.2 * kind + r.normal(0, 0.3, 90),
            "petal_length": 1.5 + 2 * kind + r.normal(0, 0.4, 90),
            "species": np.array(["setosa", "versicolor", "virginica"])[kind],
        }
    )


def titanic() -> pd.DataFrame:
    r, n = _rng(), 160
    age, sex = r.uniform(1, 75, n), r.choice(["male", "female"], n)
    return pd.DataFrame(
        {
            "survived": (r.random(n) < 0.8 - 0.005 * age - 0.3 * (sex == "male")).astype(int),
            "sex": sex,
            "age": age,
            "class": pd.Categorical(r.choice(["First", "Second", "Third"], n)),
            "alone": r.choice(["yes", "no"], n),
        }
    )


def mpg() -> pd.DataFrame:
    r, n = _rng(), 90
    weight = r.uniform(1800, 5000, n)
    return pd.DataFrame(
        {
            "mpg": 60 - 0.011 * weight + r.normal(0, 2.5, n),
            "cylinders": r.choice([4, 6, 8], n),
            "displacement": weight / 12,
            "horsepower": weight / 30 + r.normal(0, 10, n),
            "weight": weight,
            "acceleration": r.normal(15, 2.5, n),
            "model_year": r.integers(70, 83, n),
            "origin": r.choice(["usa", "japan", "europe"], n),
        }
    )


def car_crashes() -> pd.DataFrame:
    total = np.sort(_rng().uniform(6, 24, len(STATES)))[::-1]
    return pd.DataFrame({"total": total, "speeding": total * 0.3, "alcohol": total * 0.4, "abbrev": STATES})


def exercise() -> pd.DataFrame:
    r, kinds, times = _rng(), ["rest", "walking", "running"], ["1 min", "15 min", "30 min"]
    rows = itertools.product(range(6), ["no fat", "low fat"], times, kinds)
    made = [(*row, 85 + 10 * kinds.index(row[3]) * times.index(row[2]) + r.normal(0, 4)) for row in rows]
    return pd.DataFrame(made, columns=["id", "diet", "time", "kind", "pulse"])


def seaice() -> pd.DataFrame:
    dates = pd.date_range("1980-01-01", "2019-12-31", freq="90D")
    extent = 11 + 3 * np.cos(2 * np.pi * dates.dayofyear / 365) + _rng().normal(0, 0.5, len(dates))
    return pd.DataFrame({"Date": dates, "Extent": extent})


def flights() -> pd.DataFrame:
    r: Any = _rng()
    rows = [
        (year, month, int(110 + 30 * (year - 1949) + 40 * np.sin(number / 2) + r.normal(0, 9)))
        for year in range(1949, 1958)
        for number, month in enumerate(MONTHS)
    ]
    frame = pd.DataFrame(rows, columns=["year", "month", "passengers"])
    return frame.assign(month=pd.Categorical(frame["month"], MONTHS))
