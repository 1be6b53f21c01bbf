// Edges of drawn polygons. The map draws them straight in degrees, and in the contract they are shortest lines: vertices are inserted
// until the two differ by at most a metre, as imports of GeoJSON do (`server/src/formats/geojson/service_area.rs` has the formula).

const EARTH_M = 6_378_137;
const ALLOWANCE = 1.2;
/** More vertices than an area may have; the server names the limit. */
const MAX_PARTS = 4_096;
const toRadians = degrees => degrees * Math.PI / 180;

/** The vertices `[latitude, longitude]` of a ring with those that its edges need. */
export function withInserted(ring) {
  return ring.flatMap((from, index) => {
    const to = ring[(index + 1) % ring.length];
    const count = parts(from, to);
    const east = shorter(to[1] - from[1]);
    return Array.from({ length: count }, (_, part) => {
      const share = part / count;
      return part === 0 ? from : [from[0] + share * (to[0] - from[0]), wrapped(from[1] + share * east)];
    });
  });
}

function parts(from, to) {
  const [high, low] = [Math.max(Math.abs(from[0]), Math.abs(to[0])), from[0] * to[0] < 0 ? 0 : Math.min(Math.abs(from[0]), Math.abs(to[0]))];
  const [north, east] = [toRadians(to[0] - from[0]), toRadians(shorter(to[1] - from[1]))];
  const bulge = Math.hypot(Math.cos(toRadians(low)) * east * east, 2 * north * east);
  const deviationM = EARTH_M / 8 * Math.sin(toRadians(high)) * bulge * ALLOWANCE;
  return deviationM > 1 ? Math.min(Math.ceil(Math.sqrt(deviationM)), MAX_PARTS) : 1;
}

/** The shorter way around the earth. */
const shorter = degrees => (Math.abs(degrees) > 180 ? degrees - 360 * Math.sign(degrees) : degrees);
const wrapped = longitude => (Math.abs(longitude) > 180 ? longitude - 360 * Math.sign(longitude) : longitude);
