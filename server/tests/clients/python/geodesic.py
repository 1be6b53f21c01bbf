"""Geodesics on WGS-84 by GeographicLib, which shares no code with the server."""

from geographiclib.geodesic import Geodesic

_WGS84 = Geodesic.WGS84


def distance_m(from_position, to_position) -> float:
    ends = (from_position.latitude, from_position.longitude, to_position.latitude, to_position.longitude)
    return _WGS84.Inverse(*ends, Geodesic.DISTANCE)["s12"]


def destination(latitude: float, longitude: float, bearing: float, metres: float) -> tuple[float, float]:
    """Returns the point at a distance and bearing from another."""
    there = _WGS84.Direct(latitude, longitude, bearing, metres)
    # GeographicLib can return a longitude slightly outside the range.
    return there["lat2"], min(max(there["lon2"], -180.0), 180.0)
