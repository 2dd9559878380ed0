# SPDX-License-Identifier: Apache-2.0
"""Dates: EDTF level 1 as the days that they may mean, and the instants of `stated`.

A day is a number, counted from 0000-03-01 in the proleptic Gregorian calendar. An open end is
None. `?`, `~` and `%` do not widen a date.
"""
import re
from fractions import Fraction

MICROSECONDS_OF_DAY = 86_400_000_000
SEASONS = {21: (3, 5), 22: (6, 8), 23: (9, 11), 24: (12, 2)}  # first and last month


class BadDate(ValueError):
	"""Text that is no date."""


def day_number(year, month, day):
	"""Years here begin in March, so that the leap day is the last of its year."""
	year, month = (year - 1, month + 9) if month < 3 else (year, month - 3)
	return 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1


def days_in(year, month):
	year_of_next, next_month = (year + 1, 1) if month == 12 else (year, month + 1)
	return day_number(year_of_next, next_month, 1) - day_number(year, month, 1)


def day_of(text):
	"""The number of a plain day, YYYY-MM-DD."""
	match = re.fullmatch(r"(-?[0-9]{4})-([0-9]{2})-([0-9]{2})", text)
	if not match:
		raise BadDate(text)
	year, month, day = (int(part) for part in match.groups())
	if not 1 <= month <= 12 or not 1 <= day <= days_in(year, month):
		raise BadDate(text)
	return day_number(year, month, day)


def whole_months(year, first, last_year, last):
	return (day_number(year, first, 1), day_number(last_year, last, days_in(last_year, last)))


def days_of_date(text):
	"""(earliest, latest) of one date that is no interval."""
	match = re.fullmatch(r"(?!-0000)(-?[0-9X]{4})(?:-([0-9X]{2})(?:-([0-9X]{2}))?)?[?~%]?", text)
	if not match:
		raise BadDate(text)
	year, month, day = match.groups()
	if "X" in year:
		if month or not re.fullmatch(r"-?[0-9]{2}(XX|[0-9]X)", year):
			raise BadDate(text)
		years = sorted(int(year.replace("X", digit)) for digit in "09")
		return whole_months(years[0], 1, years[1], 12)
	year = int(year)
	if month in (None, "XX"):
		if day not in (None, "XX"):
			raise BadDate(text)
		return whole_months(year, 1, year, 12)
	if "X" in month:
		raise BadDate(text)
	month = int(month)
	if month in SEASONS and day is None:
		first, last = SEASONS[month]
		return whole_months(year, first, year + 1 if last < first else year, last)
	if not 1 <= month <= 12:
		raise BadDate(text)
	if day in (None, "XX"):
		return whole_months(year, month, year, month)
	if "X" in day or not 1 <= int(day) <= days_in(year, month):
		raise BadDate(text)
	return (day_number(year, month, int(day)),) * 2


def days(text):
	"""(earliest, latest) day that this date or interval may mean; None is open."""
	if "T" in text:
		return (day_of(day_of_instant(text)),) * 2
	if "/" not in text:
		return days_of_date(text)
	start, end = text.split("/")
	earliest = None if start in ("", "..") else days_of_date(start)[0]
	latest = None if end in ("", "..") else days_of_date(end)[1]
	return (earliest, latest)


def is_interval(text):
	return "/" in text


def instant(text):
	"""`stated` in microseconds, exact; a day counts as its first instant."""
	day, _, time = text.partition("T")
	if not time:
		return day_of(day) * MICROSECONDS_OF_DAY
	match = re.fullmatch(r"([0-9]{2}):([0-9]{2}):([0-9]{2}(?:\.[0-9]{1,6})?)Z", time)
	if not match:
		raise BadDate(text)
	hour, minute, second = match.groups()
	seconds = int(hour) * 3600 + int(minute) * 60 + Fraction(second)
	return day_of(day) * MICROSECONDS_OF_DAY + int(seconds * 1_000_000)


def day_of_instant(text):
	"""The day of `stated`, as text."""
	return text.partition("T")[0]
