#!/usr/bin/env python3
"""Writes public.txt: the public holidays of every country that the package `holidays` knows.

    pip install holidays==0.109 && python3 generate.py 2026 2027 > public.txt

The package (MIT licence) follows the laws and yearly notices of each country. China's notice moves working days so that a festival
becomes several days in a row: the package lists the weekdays of it, and this script adds the Saturdays and Sundays between and beside
them, except those on which people work.
"""

import datetime
import sys

import holidays

DAY = datetime.timedelta(days=1)


def days_of(country: str, years: list[int]) -> list[datetime.date]:
    # One more year at either end, for festivals that run across New Year.
    known = holidays.country_holidays(country, years=[years[0] - 1, *years, years[-1] + 1])
    days = set(known)
    if country == "CN":
        worked = set(known.weekend_workdays)
        for start in sorted(days):
            for step in (DAY, -DAY):
                day = start + step
                while day.weekday() >= 5 and day not in worked and day not in days:
                    days.add(day)
                    day += step
    return sorted(day for day in days if day.year in years)


def main() -> None:
    years = [int(year) for year in sys.argv[1:]]
    print(f"# Public holidays of {years[0]} to {years[-1]}, from the Python package holidays {holidays.__version__} (MIT licence).")
    print("# Country, then month and day of each holiday behind its year. Made by generate.py.")
    for country in sorted(code for code in holidays.list_supported_countries() if len(code) == 2):
        try:
            days = days_of(country, years)
        except NotImplementedError:
            continue
        words = [country]
        for year in years:
            words.append(str(year))
            words += [f"{day:%m%d}" for day in days if day.year == year]
        if len(words) > 1 + len(years):
            print(" ".join(words))


main()
