"""Merchants scattered at random around a point, in the server and in memory, to compare its answers with."""

from build import FULL, merchant, position, query, rows
from geodesic import beside, distance_m
from paging import all_results


class Town:
    def __init__(self, client, chance, centre: tuple[float, float], count: int, widest_m: float) -> None:
        self.client = client
        self.centre = centre
        self.merchants = {}
        for number in range(count):
            # Evenly over the area, not bunched at the centre.
            place = beside(*centre, chance.uniform(0.0, 360.0), widest_m * chance.random() ** 0.5)
            self._add(merchant(f"{centre[0]},{centre[1]} {number}", *place))
        # Some share a place, as in a mall: the id has to order them.
        for name in chance.sample(sorted(self.merchants), count // 10):
            self._add(merchant(f"{name.removeprefix('merchants/')}-Double", position=self.merchants[name].position))
        given = list(self.merchants.values())
        answer = client.merchants.ImportMerchants(rows(given[at : at + 100]) for at in range(0, len(given), 100))
        assert all(not outcome.violations for outcome in answer.outcomes)

    def _add(self, one) -> None:
        self.merchants[one.name] = one

    def query(self, **fields):
        """Asks for all of each merchant unless told otherwise: whoever compares results compares all of it."""
        return query(*self.centre, **({"view": FULL} | fields))

    def search(self, **fields):
        """All results, whatever the pages."""
        return all_results(self.client, self.query(**fields))

    def distance_m(self, name: str) -> float:
        return distance_m(position(*self.centre), self.merchants[name].position)

    def names_within(self, radius_m: float) -> set[str]:
        return {name for name in self.merchants if self.distance_m(name) <= radius_m}
