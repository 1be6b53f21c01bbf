"""Counts what an import of a file must report, with nothing but Python's standard library.

Usage: python3 independent_count.py FILE.csv.gz
"""

import collections
import csv
import gzip
import json
import re
import sys
import zoneinfo


def reason(row):
    """Return the reason for which a row is rejected, or None."""
    if not row["lat"].strip() or not row["lon"].strip():
        return "POSITION_MISSING"
    try:
        latitude, longitude = float(row["lat"]), float(row["lon"])
    except ValueError:
        return "NOT_A_NUMBER"
    if not -90 <= latitude <= 90:
        return "LATITUDE_OUT_OF_RANGE"
    if not -180 <= longitude <= 180:
        return "LONGITUDE_OUT_OF_RANGE"
    return "NULL_ISLAND" if latitude == longitude == 0 else None


def main():
    rejected, ids, repeated, rows, zoneless = collections.Counter(), set(), 0, 0, 0
    zones = zoneinfo.available_timezones()
    with gzip.open(sys.argv[1], "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows += 1
            rejection = reason(row)
            if rejection:
                rejected[rejection] += 1
                continue
            repeated += row["id"] in ids
            ids.add(row["id"])
            zone = re.sub(r"^(GMT|UTC)\S* ", "", row["tz"].strip())
            zoneless += bool(zone) and zone not in zones
    report = {
        "rows": rows,
        "accepted": rows - rejected.total(),
        "repeated_ids": repeated,
        "rejected": rejected.total(),
        "rejected_by_reason": rejected,
    }
    if zoneless:
        report["offsets_for_zones"] = zoneless
    print(json.dumps(report))


main()
