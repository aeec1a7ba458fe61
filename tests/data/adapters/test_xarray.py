"""xarray behind the seam of data libraries."""

import numpy as np
import xarray as xr

from data.adapters.conformance import AdapterConformance


def weather(offset=0.0):
    return xr.Dataset(
        {"t": (("y", "x"), np.arange(6.0).reshape(2, 3) + offset, {"unit": ["K"]})},
        coords={"x": [1, 2, 3], "name": ("y", np.array(["a", "b"], dtype=object))},
        attrs={"source": ["station"]},
    )


def looked_at():
    value = weather()
    value["t"].mean().item()
    value.sel(x=2)
    return value


class TestXArray(AdapterConformance):
    adapter = "XArray"
    not_shareable = {
        "dataset": weather,
        "array": lambda: weather()["t"],
        "array without coordinates": lambda: xr.DataArray([1, 2]),
        "labels of several levels": lambda: weather().stack(place=("y", "x")),
    }
    edits = {
        "dataset": [
            "value['t'][0, 0] = 9",
            "value['u'] = value['t']",
            "value.attrs['source'].append('b')",
            "value['t'].attrs['unit'].append('b')",
            "value['name'].values[0] = 'z'",
            "value.coords['x'] = [4, 5, 6]",
            "value.indexes['x'].name = 'z'",
        ],
        "array": ["value[0, 0] = 9", "value.values[0, 0] = 9", "value.name = 'u'", "value.attrs.clear()"],
    }
    same = {
        "a deep copy": lambda: (weather().copy(deep=True), weather()),
        "one that was looked at": lambda: (looked_at(), weather()),
        "a selection": lambda: (xr.DataArray([1, 2, 3])[1:], xr.DataArray([2, 3])),
    }
    different = {
        "values": lambda: (weather(), weather(1.0)),
        "names": lambda: (weather(), weather().rename(t="u")),
        "coordinates": lambda: (weather(), weather().assign_coords(x=[1, 2, 4])),
        "what is a coordinate": lambda: (weather(), weather().reset_coords("name")),
        "attributes": lambda: (weather(), weather().assign_attrs(source=["buoy"])),
        "dimensions": lambda: (weather()["t"], weather()["t"].T),
        "an index": lambda: (weather(), weather().drop_indexes("x")),
    }


def test_what_is_still_in_a_file_is_not_read_for_its_fingerprint(tmp_path):
    from plotroute.data.fingerprint import fingerprint

    class Unread(xr.backends.BackendArray):
        shape, dtype = (3,), np.dtype(float)

        def __getitem__(self, key):
            raise AssertionError("it was read")

    lazy = xr.core.indexing.LazilyIndexedArray(Unread())
    fingerprint(xr.Dataset({"t": xr.Variable("x", lazy)}))
