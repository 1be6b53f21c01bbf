"""Random merchants around a point, in the server and in memory, to verify the results of searches."""

from build import FULL, merchant, position, query, rows
from geodesic import destination, distance_m
from paging import all_results


class Sample:
    def __init__(self, client, rng, centre: tuple[float, float], count: int, radius_m: float) -> None:
        self.client = client
        self.centre = centre
        self.merchants = {}
        for number in range(count):
            # Uniform over the area.
            point = destination(*centre, rng.uniform(0.0, 360.0), radius_m * rng.random() ** 0.5)
            self._add(merchant(f"{centre[0]},{centre[1]} {number}", *point))
        # Some share a position, as in a mall, so that ids determine their order.
        for name in rng.sample(sorted(self.merchants), count // 10):
            self._add(merchant(f"{name.removeprefix('merchants/')}-Double", position=self.merchants[name].position))
        given = list(self.merchants.values())
        response = client.merchants.ImportMerchants(rows(given[at : at + 100]) for at in range(0, len(given), 100))
        assert all(not outcome.violations for outcome in response.outcomes)

    def _add(self, one) -> None:
        self.merchants[one.name] = one

    def query(self, **fields):
        """Builds a search around the centre; requests the FULL view by default, so that tests compare all fields."""
        return query(*self.centre, **({"view": FULL} | fields))

    def search(self, **fields):
        """Returns the results of all pages."""
        return all_results(self.client, self.query(**fields))

    def distance_m(self, name: str) -> float:
        return distance_m(position(*self.centre), self.merchants[name].position)

    def names_within(self, radius_m: float) -> set[str]:
        return {name for name in self.merchants if self.distance_m(name) <= radius_m}
