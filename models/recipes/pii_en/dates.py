"""Dates, clock times, years and ages in the layouts that people and programs write."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from .addresses import ordinal

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Tues", "Thurs")
NUMERIC = (
    "%Y-%m-%d", "%Y-%m-%d", "%m/%d/%Y", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%Y/%m/%d",
    "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d", "%Y%m%d", "%-d/%-m/%Y", "%-m/%-d/%Y", "%-m/%-d/%y", "%-d.%-m.%Y", "%d-%b-%Y",
    "%d-%b-%y", "%d %m %Y", "%d/%b/%Y",
)  # fmt: skip
WRITTEN = (
    "%B %-d, %Y", "%B %-d, %Y", "%-d %B %Y", "%-d %B %Y", "%b %-d, %Y", "%b. %-d, %Y", "%-d %b %Y", "%B %-d", "%-d %B",
    "%b %-d", "%-d %b", "%B %Y", "%b %Y", "%b %d %Y", "%A, %B %-d, %Y", "%A, %-d %B %Y", "%a, %d %b %Y", "%A %-d %B",
    "%A, %B %-d", "%a %-d %b", "%B the {o}", "{o} of %B", "the {o} of %B", "the {o} of %B %Y", "%B {o}", "%B {o}, %Y",
    "{o} %B %Y", "{o} %B", "%A the {o}", "%B %-d %Y", "%-d. %B %Y", "%-d-%B-%Y",
)  # fmt: skip
STAMPS = (
    "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%d/%b/%Y:%H:%M:%S +0000",
    "%Y-%m-%dT%H:%M:%S.%f+00:00", "%Y-%m-%d %H:%M:%S,%f", "%b %d %H:%M:%S", "%a, %d %b %Y %H:%M:%S +0200",
    "%m/%d/%Y %I:%M %p", "%d.%m.%Y %H:%M", "%a %b %d %H:%M:%S %Y", "%d-%m-%Y %H:%M", "%m/%d/%y, %I:%M %p",
)  # fmt: skip
CLOCKS = (
    "%H:%M", "%H:%M", "%H:%M", "%-I:%M %p", "%-I:%M%p", "%-I %p", "%-I%p", "%H:%M:%S", "%H.%M", "%-I:%M", "%Hh%M", "%-I.%M%p",
    "%-I:%M a.m.", "%-I:%M p.m.", "%-I o'clock", "%H:%M UTC", "%-I:%M %p EST", "%H:%M CET", "%-I p.m.",
)  # fmt: skip
VAGUE = (
    "last {m}", "next {m}", "last {w}", "next {w}", "this {w}", "early {m}", "late {m}", "mid-{m}", "{w} morning",
    "{w} afternoon", "{w} evening", "{w} night", "summer {y}", "winter {y}", "spring {y}", "autumn {y}", "fall {y}",
    "Q{q} {y}", "the end of {m}", "{m} of last year", "the summer of {y}", "Christmas {y}", "early {y}", "late {y}",
    "{y}/{yy}", "the {d}s", "{w}, {t}", "{m} {y}",
)  # fmt: skip
DECADES = ("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties")
WRITTEN_AGES = (
    "thirty-four", "twenty-one", "forty-two", "fifty", "sixty-seven", "eighteen", "nineteen", "seventy", "nine",
    "twelve", "thirty", "forty-five", "eighty-two", "twenty-eight", "sixteen", "seven", "five", "thirty-nine",
)  # fmt: skip


class Dates:
    """Moments and ages from one random generator."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def moment(self, first: int = 1995, last: int = 2027) -> datetime:
        """A moment between two years."""
        start = datetime(first, 1, 1, tzinfo=UTC)
        return start + timedelta(minutes=self.rng.randrange((last - first) * 525_600))

    def date(self) -> str:
        """A date: numeric, written out, vague, or with the time."""
        roll = self.rng.random()
        if roll < 0.42:
            return self._day(self.moment(), NUMERIC)
        if roll < 0.85:
            return self._day(self.moment(), WRITTEN)
        return self.vague() if roll < 0.96 else self.timestamp()

    def dob(self) -> str:
        """A date of birth."""
        return self._day(self.moment(1930, 2020), NUMERIC * 2 + WRITTEN[:7])

    def numeric(self) -> str:
        """A date as records hold it."""
        return self._day(self.moment(1940, 2027), NUMERIC)

    def timestamp(self) -> str:
        """A date with a time, as programs write it."""
        return self._day(self.moment(2015), STAMPS)

    def time(self) -> str:
        """A clock time."""
        return self._day(self.moment(), CLOCKS)

    def year(self) -> str:
        """A year."""
        return str(self.rng.randint(1940, 2030) if self.rng.random() < 0.75 else self.rng.randint(1700, 2040))

    def month(self) -> str:
        """A month."""
        return self.rng.choice(MONTHS)

    def weekday(self) -> str:
        """A day of the week."""
        return self.rng.choice(WEEKDAYS) if self.rng.random() < 0.9 else self.rng.choice(SHORT_WEEKDAYS)

    def vague(self) -> str:
        """A time that a calendar does not hold as such: last March, the 1990s."""
        year = self.rng.randint(1950, 2029)
        return self.rng.choice(VAGUE).format(
            m=self.month(), w=self.rng.choice(WEEKDAYS), y=year, yy=f"{(year + 1) % 100:02d}", d=year // 10 * 10,
            q=self.rng.randint(1, 4), t=self._day(self.moment(), CLOCKS[:6]),
        )  # fmt: skip

    def years(self, lowest: int = 1, highest: int = 99) -> str:
        """An age in figures or words, without "years"."""
        return str(self.rng.randint(lowest, highest)) if self.rng.random() < 0.94 else self.rng.choice(WRITTEN_AGES)

    def age(self) -> str:
        """An age as it stands alone after a name: 34, 34 years old, aged 34, in her forties."""
        number = self.years()
        return self.rng.choice(
            [
                *[number] * 8,
                f"{number} years old",
                f"{number} years old",
                f"aged {number}",
                f"age {number}",
                f"{number} y/o",
                f"{number}yo",
                f"{number} yo",
                f"{number} yrs",
                f"{number} years of age",
                f"{number}-year-old",
                f"{number}y",
                f"in {self.rng.choice(['her', 'his', 'their'])} {self.rng.choice(DECADES)}",
                f"in her {self.rng.choice(['early', 'mid', 'late'])} {self.rng.choice(DECADES)}",
                f"{self.rng.randint(2, 35)} months old",
            ]
        )

    def _day(self, moment: datetime, layouts: tuple[str, ...]) -> str:
        return moment.strftime(self.rng.choice(layouts)).replace("{o}", ordinal(moment.day))
