# SPDX-License-Identifier: Apache-2.0
"""Amounts and dates as people write them."""
import unittest

import amounts
import dates


def days(text):
	"""Earliest and latest as offsets from 2025-01-01."""
	first = dates.day_of("2025-01-01")
	return tuple(None if d is None else d - first for d in dates.days(text))


class Amounts(unittest.TestCase):
	def test_every_form_is_read(self):
		for text, shown in (("15bn..25bn USD", "15000000000..25000000000"),
				("15..25bn USD", "15000000000..25000000000"),
				("500m..2bn USD", "500000000..2000000000"),
				(">15bn..<25bn USD", ">15000000000..<25000000000"),
				("..25k USD", "None..25000"), (">1k.. USD", ">1000..None"),
				("~20bn USD", "20000000000..20000000000~"),
				("~1..2k USD", "1000..2000~"), (">40bn USD", ">40000000000..None"),
				(">=40bn USD", "40000000000..None"), ("<25m USD", "0..<25000000"),
				("<=25mn USD", "0..25000000"), ("2TN usd", "2000000000000..2000000000000"),
				("1.25k USD", "1250..1250"), ("1234.5 USD", "2469/2..2469/2")):
			currency, interval = amounts.parse(text)
			self.assertEqual(("USD", shown), (currency, repr(interval)), text)

	def test_what_is_not_an_amount_is_refused(self):
		for text in ("1,25bn USD", "bn USD", "2bn", "25bn..15bn USD", "-2bn USD", "2e9 USD",
				"2bn USDX", ""):
			with self.assertRaises(amounts.BadAmount, msg=text):
				amounts.parse(text)

	def test_decimals_are_exact_and_short(self):
		for number, shown in (("0.50", "0.5"), ("-12.25", "-12.25"), ("0", "0"),
				("15000000000", "15000000000"), ("0.001", "0.001")):
			self.assertEqual(shown, amounts.decimal(amounts.Fraction(number)))

	def test_half_goes_to_even(self):
		for number, rounded in (("0.125", "0.12"), ("0.375", "0.38"), ("-0.125", "-0.12")):
			self.assertEqual(amounts.Fraction(rounded),
				amounts.round_half_even(amounts.Fraction(number), 2))


class Dates(unittest.TestCase):
	def test_every_form_is_read(self):
		for text, expected in (("2025", (0, 364)), ("2025-02", (31, 58)),
				("2025-01-21", (20, 20)), ("2025-02~", (31, 58)), ("2025-02?", (31, 58)),
				("2025-01-21%", (20, 20)), ("2025/..", (0, None)), ("../2025-01-21", (None, 20)),
				("2025-01/2025-02-10", (0, 40)), ("2025-21", (59, 150)), ("2024-24", (-31, 58)),
				("2025-XX", (0, 364)), ("2025-02-XX", (31, 58)), ("2025/", (0, None)),
				("2025-01-21T10:00:00Z", (20, 20)),
				("2024~/2025?", (-366, 364)), ("202X", (-1827, 1825)), ("20XX", (-9132, 27392))):
			self.assertEqual(expected, days(text), text)

	def test_what_is_not_a_date_is_refused(self):
		for text in ("2025-13", "2025-02-29", "2025-1-1", "25", "2025-02-30~", "2025-25",
				"", "20X5", "2025-X1", "Y12025"):
			with self.assertRaises(dates.BadDate, msg=text):
				dates.days(text)

	def test_a_day_counts_as_its_first_instant(self):
		self.assertEqual(dates.instant("2025-01-30"), dates.instant("2025-01-30T00:00:00Z"))
		self.assertEqual(1, dates.instant("2025-01-30T00:00:00.000001Z")
			- dates.instant("2025-01-30"))


if __name__ == "__main__":
	unittest.main()
