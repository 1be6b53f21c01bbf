"""Compares the decisions of service areas with an independent oracle.

The oracle projects with geographiclib (Karney's own Python code) to the ellipsoidal gnomonic plane at the merchant and decides
containment and validity with shapely (GEOS). Circles are decided by geographiclib's distance.

Usage: python3 areas.py BINARY [--areas N] [--seed S], where BINARY is the example `area_decisions` of the crate `nearby-index`.
"""

import argparse
import collections
import math
import random
import subprocess
import sys

import shapely
from geographiclib.geodesic import Geodesic
from shapely.geometry import LineString, Point, Polygon

EARTH = Geodesic.WGS84
MASK = Geodesic.AZIMUTH | Geodesic.DISTANCE | Geodesic.REDUCEDLENGTH | Geodesic.GEODESICSCALE
BOUNDARY_M = 1e-3
MAX_VERTEX_DISTANCE_M = 50_000
# Decisions closer to a limit than this depend on the last digits.
UNDECIDED_M = 1e-6
# The distance of a search differs from the geodesic by up to this much at 50 km.
DISTANCE_ERROR_M = 2e-3


def direct(position, azimuth, distance_m):
    """Return the point at a distance."""
    end = EARTH.Direct(*position, azimuth, distance_m)
    return end["lat2"], end["lon2"]


def project(center, position):
    """Return a point in the gnomonic plane at a center; None beyond the horizon."""
    line = EARTH.Inverse(*center, *position, MASK)
    if line["M12"] <= 0:
        return None
    radius, azimuth = line["m12"] / line["M12"], math.radians(line["azi1"])
    return radius * math.sin(azimuth), radius * math.cos(azimuth)


def gcj02(position):
    """Convert WGS-84 to GCJ-02 by the published formula."""
    lat, lon = position
    x, y = lon - 105.0, lat - 35.0
    wave = 20.0 * math.sin(6 * x * math.pi) + 20.0 * math.sin(2 * x * math.pi)
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + wave * 2 / 3
    north += (20 * math.sin(y * math.pi) + 40 * math.sin(y / 3 * math.pi)) * 2 / 3
    north += (160 * math.sin(y / 12 * math.pi) + 320 * math.sin(y * math.pi / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + wave * 2 / 3
    east += (20 * math.sin(x * math.pi) + 40 * math.sin(x / 3 * math.pi)) * 2 / 3
    east += (150 * math.sin(x / 12 * math.pi) + 300 * math.sin(x / 30 * math.pi)) * 2 / 3
    axis, eccentricity2 = 6378245.0, 0.00669342162296594323
    sin = math.sin(math.radians(lat))
    magic = 1 - eccentricity2 * sin * sin
    north = north * 180 / (axis * (1 - eccentricity2) / (magic * math.sqrt(magic)) * math.pi)
    east = east * 180 / (axis / math.sqrt(magic) * math.cos(math.radians(lat)) * math.pi)
    return lat + north, lon + east


class Generator:
    """Random areas and points."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def merchant(self):
        """Return a kind of place and a position."""
        r = self.random
        anywhere = math.degrees(math.asin(r.uniform(-1, 1)))
        kind = r.choice(["anywhere", "anywhere", "antimeridian", "pole", "beside a pole", "GCJ-02"])
        position = {
            "anywhere": (anywhere, r.uniform(-180, 180)),
            "antimeridian": (r.uniform(-70, 70), r.choice([180.0, -180.0, 179.9, -179.9])),
            "pole": (r.choice([-90.0, 90.0]), r.choice([0.0, r.uniform(-180, 180)])),
            "beside a pole": (r.choice([-1, 1]) * (90 - 10 ** r.uniform(-6, -0.5)), r.uniform(-180, 180)),
            # Well within the area where the offset applies.
            "GCJ-02": (r.uniform(29, 35), r.uniform(105, 115)),
        }[kind]
        return kind, position

    def star(self, center, radius_m, corners):
        """Return a ring around a point."""
        r = self.random
        turn = r.uniform(0, 360)
        spread = r.choice([0.0, 0.4])
        return [direct(center, turn + 360 * n / corners, radius_m * (1 - r.uniform(0, spread))) for n in range(corners)]

    def polygon(self, merchant):
        """Return a shell and holes."""
        r = self.random
        if r.random() < 0.2:
            # Edges of up to 100 km, beside the merchant or around it.
            turn = r.uniform(0, 360)
            return [direct(merchant, turn + a, 49_999.0) for a in (0, r.uniform(100, 179), r.uniform(181, 260))], []
        size_m = 10 ** r.uniform(1, 4.2)
        center = direct(merchant, r.uniform(0, 360), r.uniform(0, min(30_000, 2 * size_m)))
        shell = self.star(center, size_m, r.randint(3, 40))
        holes = []
        for _ in range(r.choice([0, 0, 1, 3])):
            place = direct(center, r.uniform(0, 360), 0.3 * size_m)
            holes.append(self.star(place, size_m * 10 ** r.uniform(-2, -0.6), r.randint(3, 8)))
        return shell, holes

    def polygons(self, merchant):
        """Return polygons; some touch along an edge."""
        r = self.random
        polygons = [self.polygon(merchant) for _ in range(r.choice([1, 1, 2, 4]))]
        shell = polygons[0][0]
        if r.random() < 0.2:
            apex = direct(shell[0], r.uniform(0, 360), 300.0)
            polygons.append(([shell[0], shell[1], apex], []))
        return polygons

    def points(self, merchant, polygons):
        """Return points at random, at vertices, on edges and beside them."""
        r = self.random
        points = [merchant]
        for shell, holes in polygons:
            for ring in [shell, *holes]:
                n = r.randrange(len(ring))
                one, other = ring[n], ring[(n + 1) % len(ring)]
                points.append(one)
                line = EARTH.Inverse(*one, *other)
                if not 0 < line["s12"]:
                    continue
                on_edge = EARTH.Line(*one, line["azi1"]).Position(r.random() * line["s12"])
                foot = on_edge["lat2"], on_edge["lon2"]
                points.append(foot)
                for aside_m in (5e-4, 2e-3, 1.0, 100.0):
                    points.append(direct(foot, on_edge["azi2"] + r.choice([-90, 90]), aside_m))
        reach_m = 10 ** r.uniform(1, 4.7)
        points += [direct(merchant, r.uniform(0, 360), reach_m * math.sqrt(r.random())) for _ in range(5)]
        return points


def fields(positions):
    """Return positions as text, with all digits."""
    return " ".join(f"{lat!r} {lon!r}" for lat, lon in positions)


class Case:
    """One area: the input line of the binary, and the expected decisions."""

    def __init__(self, generator):
        self.kind, merchant = generator.merchant()
        given = gcj02 if self.kind == "GCJ-02" else lambda position: position
        datum = "gcj02" if self.kind == "GCJ-02" else "wgs84"
        if generator.random.random() < 0.1:
            radius_m = generator.random.uniform(1, 50_000)
            points = [direct(merchant, generator.random.uniform(0, 360), radius_m + aside) for aside in (-0.01, 0.01)]
            points += [direct(merchant, generator.random.uniform(0, 360), radius_m * generator.random.uniform(0, 2))]
            self.expected = [self.within(merchant, point, radius_m) for point in points]
            shape = f"circle {radius_m!r}"
        else:
            polygons = generator.polygons(merchant)
            points = generator.points(merchant, polygons)
            self.expected = self.decide(merchant, polygons, points)
            rings = [f"{len(holes) + 1} " + " ".join(f"{len(r)} {fields(map(given, r))}" for r in [shell, *holes]) for shell, holes in polygons]
            shape = f"polygons {len(polygons)} " + " ".join(rings)
        self.line = f"{datum} {fields([given(merchant)])} {shape} {len(points)} {fields(points)}"

    @staticmethod
    def within(merchant, point, radius_m):
        """Return whether a point is within a radius; None if that is too close to tell."""
        distance_m = EARTH.Inverse(*merchant, *point, Geodesic.DISTANCE)["s12"]
        return None if abs(distance_m - radius_m) < DISTANCE_ERROR_M else distance_m < radius_m

    def decide(self, merchant, polygons, points):
        """Return the decision for each point, or a reason why the area is invalid."""
        shapes = []
        for shell, holes in polygons:
            rings = [shell, *holes]
            if any(EARTH.Inverse(*merchant, *vertex)["s12"] > MAX_VERTEX_DISTANCE_M for ring in rings for vertex in ring):
                return "a vertex is too far from the merchant"
            rings = [[project(merchant, vertex) for vertex in ring] for ring in rings]
            shape = Polygon(rings[0], rings[1:])
            if not shape.is_valid:
                return shapely.is_valid_reason(shape)
            shapes.append(shape)
        # The conversion from GCJ-02 is exact to a tenth of a millimetre.
        undecided_m = 1e-3 if self.kind == "GCJ-02" else UNDECIDED_M
        edges = shapely.union_all([LineString(ring.coords) for shape in shapes for ring in [shape.exterior, *shape.interiors]])
        decisions = []
        for point in points:
            plane = project(merchant, point)
            if plane is None:
                decisions.append(False)
                continue
            plane = Point(plane)
            edge_m = edges.distance(plane)
            is_undecided = abs(edge_m - BOUNDARY_M) < undecided_m or (undecided_m > BOUNDARY_M / 2 and edge_m < 2 * BOUNDARY_M)
            inside = edge_m <= BOUNDARY_M or any(shape.covers(plane) for shape in shapes)
            # Beside an edge within the union of two polygons the point is inside either way.
            sure = any(shape.contains(plane) and shape.boundary.distance(plane) > 2 * BOUNDARY_M for shape in shapes)
            decisions.append(None if is_undecided and not sure else inside)
        return decisions


def main():
    """Generate, run, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--areas", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20_261_128)
    arguments = parser.parse_args()
    generator = Generator(arguments.seed)
    cases = [Case(generator) for _ in range(arguments.areas)]
    lines = "".join(case.line + "\n" for case in cases)
    output = subprocess.run([arguments.binary], input=lines, capture_output=True, text=True, check=True).stdout
    answers = output.splitlines()
    assert len(answers) == len(cases), f"{len(answers)} answers to {len(cases)} areas"
    counts, differences = collections.Counter(), []
    for number, (case, answer) in enumerate(zip(cases, answers)):
        is_error = answer.startswith("invalid")
        counts[case.kind] += 1
        if isinstance(case.expected, str) or is_error:
            counts["invalid"] += 1
            if not (isinstance(case.expected, str) and is_error):
                differences.append(f"area {number} ({case.kind}): expected {case.expected if isinstance(case.expected, str) else 'valid'}, got {answer}")
            continue
        assert len(answer) == len(case.expected), f"area {number}: {answer}"
        for at, (expected, got) in enumerate(zip(case.expected, answer)):
            counts[{None: "too close to tell", True: "inside", False: "outside"}[expected]] += 1
            if expected is not None and expected != (got == "1"):
                differences.append(f"area {number} ({case.kind}), point {at}: expected {expected}, got {got}")
    print(f"seed {arguments.seed}: {dict(counts)}")
    print("\n".join(differences[:20]))
    print(f"{len(differences)} differences")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
