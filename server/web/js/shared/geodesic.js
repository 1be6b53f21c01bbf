// Distances on the ellipsoid, for previews. What is found, and in which order, is up to the server.

const EQUATOR_M = 6_378_137;
const FLATTENING = 1 / 298.257_223_563;
const POLE_M = EQUATOR_M * (1 - FLATTENING);
const CLOSE = 1e-12;
const MAX_ITERATIONS = 100;
const toRadians = degrees => degrees * Math.PI / 180;

/** Length in metres of the geodesic between points of WGS-84, by Vincenty's inverse formula: within 1 mm where it converges. */
export function distanceM(from, to) {
  const reduced = latitude => Math.atan((1 - FLATTENING) * Math.tan(toRadians(latitude)));
  const [u1, u2] = [reduced(from.latitude), reduced(to.latitude)];
  const [sin1, cos1, sin2, cos2] = [Math.sin(u1), Math.cos(u1), Math.sin(u2), Math.cos(u2)];
  const difference = toRadians(to.longitude - from.longitude);
  let lambda = difference;
  for (let i = 0; i < MAX_ITERATIONS; i += 1) {
    const [sinLambda, cosLambda] = [Math.sin(lambda), Math.cos(lambda)];
    const sinSigma = Math.hypot(cos2 * sinLambda, cos1 * sin2 - sin1 * cos2 * cosLambda);
    if (sinSigma === 0) return 0;
    const cosSigma = sin1 * sin2 + cos1 * cos2 * cosLambda;
    const sigma = Math.atan2(sinSigma, cosSigma);
    const sinAlpha = cos1 * cos2 * sinLambda / sinSigma;
    const cos2Alpha = 1 - sinAlpha * sinAlpha;
    // Along the equator there is no middle.
    const middle = cos2Alpha === 0 ? 0 : cosSigma - 2 * sin1 * sin2 / cos2Alpha;
    const c = FLATTENING / 16 * cos2Alpha * (4 + FLATTENING * (4 - 3 * cos2Alpha));
    const before = lambda;
    lambda = difference + (1 - c) * FLATTENING * sinAlpha * (sigma + c * sinSigma * (middle + c * cosSigma * (2 * middle * middle - 1)));
    if (Math.abs(lambda - before) > CLOSE) continue;
    const u = cos2Alpha * (EQUATOR_M * EQUATOR_M - POLE_M * POLE_M) / (POLE_M * POLE_M);
    const a = 1 + u / 16_384 * (4_096 + u * (-768 + u * (320 - 175 * u)));
    const b = u / 1_024 * (256 + u * (-128 + u * (74 - 47 * u)));
    const correction = b * sinSigma * (middle + b / 4 * (cosSigma * (2 * middle * middle - 1)
      - b / 6 * middle * (4 * sinSigma * sinSigma - 3) * (4 * middle * middle - 3)));
    return POLE_M * a * (sigma - correction);
  }
  // Nearly antipodal points.
  return NaN;
}
