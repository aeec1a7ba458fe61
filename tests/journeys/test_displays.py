"""What scikit-learn, statsmodels, xarray, geopandas, networkx, mplfinance, shap, missingno and scipy hand back:
each is the picture that a plain script saves, or an error that says what to do instead."""

import json
import re
import subprocess
import sys
from pathlib import Path

ERRORS = {
    "display_not_drawn": r"ConfusionMatrixDisplay that was not drawn.*return value\.plot\(\)",
    "estimator": r"a sklearn\.tree.*DecisionTreeClassifier, which leads to no figure: return a Matplotlib figure",
    "summary": r"a statsmodels.*Summary, which leads to no figure: return a Matplotlib figure",
    "field_itself": r"a DataArray: draw it and return that \(`return df\.plot\(\)`\)",
    "areas_themselves": r"a GeoDataFrame: draw it and return that \(`return df\.plot\(\)`\)",
    "graph_itself": r"a Graph: draw it \(`nx\.draw\(graph, ax=ax\)`\)",
    "force_page": r"force plot, which is a web page.*matplotlib=True, show=False",
}


def test_what_libraries_hand_back_is_the_picture_that_a_script_saves():
    program = Path(__file__).with_name("displays.py")
    done = subprocess.run([sys.executable, program], cwd=program.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    told = {name: result for name, result in found.items() if result != "the same pixels"}
    assert told.keys() == ERRORS.keys(), told
    for name, words in ERRORS.items():
        assert re.search(words, told[name]), told[name]
    assert len(found) - len(told) >= 60
