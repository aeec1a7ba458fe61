"""GeoPandas behind the seam of data libraries."""

import os
import subprocess
import sys

import geopandas as gpd
import numpy as np
from shapely.geometry import Point

from data.adapters.conformance import AdapterConformance
from plotroute.data.fingerprint import fingerprint
from plotroute.data.sharing import copy_for_plot


def places(crs="EPSG:4326"):
    return gpd.GeoDataFrame({"name": ["a", "b"]}, geometry=[Point(0, 0), Point(1, 1)], crs=crs)


def many():
    geometry = gpd.array.GeometryArray(np.full(4_200_000, Point(0, 0)), crs="EPSG:4326")
    return gpd.GeoDataFrame({"geometry": geometry})


class TestGeoPandas(AdapterConformance):
    adapter = "GeoPandas"
    shareable = {"places": places, "geometry": lambda: places().geometry}
    not_shareable = {"lists beside geometry": lambda: places().assign(tags=[["a"], ["b"]])}
    edits = {
        "places": [
            "value.set_crs(3857, inplace=True, allow_override=True)",
            "value.loc[0, 'geometry'] = value.geometry[1]",
            "value['name'] = 'x'",
            "value.rename_geometry('here', inplace=True)",
        ],
        "geometry": [
            "value.iloc[0] = value.iloc[1]",
            "value.name = 'x'",
            "value.array.crs = None",
        ],
        "lists beside geometry": ["value['tags'][0].append('c')"],
    }
    different = {
        "reference systems": lambda: (places(), places("EPSG:3857")),
        "none and one": lambda: (places(), places(None)),
        "reference systems of a series": lambda: (places().geometry, places("EPSG:3857").geometry),
        "places": lambda: (places(), places().translate(1).to_frame("geometry")),
        "which geometry is drawn": lambda: (
            places().assign(other=places().geometry),
            places().assign(other=places().geometry).set_geometry("other"),
        ),
    }


def test_a_frame_too_large_to_copy_keeps_its_reference_system():
    original = many()
    copy_for_plot(original).set_crs(3857, inplace=True, allow_override=True)
    copy_for_plot(original.geometry).array.crs = None
    assert original.crs == "EPSG:4326"


def test_another_process_gives_the_same_fingerprint():
    program = (
        "import geopandas as gpd; from shapely.geometry import Point; "
        "from plotroute.data.fingerprint import fingerprint; "
        "print(fingerprint(gpd.GeoDataFrame({'name': ['a', 'b']}, geometry=[Point(0, 0), Point(1, 1)], crs=4326)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == fingerprint(places())
