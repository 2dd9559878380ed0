/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures over deals and what is made of them: rates, leagues and ranks, flows and cycles,
 * reconcile, anomalies, diff, why, search and lists. DESIGN.md section 4, rules 6, 7, 10 to 14.
 */
#include "tests/unit/story.h"

#include <string.h>

static void assert_holds(const char *answer, const char *part)
{
	if (!strstr(answer, part))
		fail_msg("no %s in %s", part, answer);
}

static void assert_lacks(const char *answer, const char *part)
{
	if (strstr(answer, part))
		fail_msg("%s in %s", part, answer);
}

/* ---- rate ---- */

static void an_amount_takes_the_latest_rate_on_or_before_its_day_direct_or_inverse(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'rate','base':'EUR','quote':'JPY','rate':'100','stated':'2025-01-01'}");
	tell(s, "{'kind':'rate','base':'JPY','quote':'EUR','rate':'0.02','stated':'2025-01-03'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'1 EUR','stated':'2025-01-02'}");
	assert_string_equal(figure(s, "{'deal':'d','currency':'JPY'}", rung_paid, NULL), "100 JPY");
	tell(s, "{'kind':'pay','deal':'d','amount':'1 EUR','stated':'2025-01-03'}");
	assert_string_equal(figure(s, "{'deal':'d','currency':'JPY'}", rung_paid, NULL), "150 JPY");
}

static void a_missing_rate_is_an_error_that_names_the_first_in_order(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'pay','deal':'d','amount':'1 EUR','stated':'2025-01-02'}");
	tell(s, "{'kind':'rate','base':'EUR','quote':'JPY','rate':'100','stated':'2025-01-03'}");
	assert_string_equal(figure(s, "{'deal':'d','currency':'JPY'}", rung_paid, NULL), "NO_RATE");
	assert_string_equal(ask(s, "diff", "{'before':{},'after':{},'currency':'JPY'}"), "NO_RATE");
}

static void rates_are_rounded_half_to_even_once_at_the_end(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'rate','base':'EUR','quote':'JPY','rate':'0.5','stated':'2025-01-01'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'1 EUR','stated':'2025-01-02'}");
	assert_string_equal(figure(s, "{'deal':'d','currency':'JPY'}", rung_paid, NULL), "0 JPY");
	tell(s, "{'kind':'pay','deal':'d','amount':'2 EUR','stated':'2025-01-02'}");
	assert_string_equal(figure(s, "{'deal':'d','currency':'JPY'}", rung_paid, NULL), "2 JPY");
	tell(s, "{'kind':'pay','deal':'d','amount':'2 EUR','stated':'2025-01-02'}"); /* 2.5 */
	assert_string_equal(figure(s, "{'deal':'d','currency':'JPY'}", rung_paid, NULL), "2 JPY");
}

static void rates_are_listed_by_day(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'rate','base':'EUR','quote':'JPY','rate':'2','on':'2025-01-05'}");
	tell(s, "{'kind':'rate','base':'JPY','quote':'EUR','rate':'3','on':'2025-01-02'}");
	const char *answer = ask(s, "rates", "{'base':'EUR','quote':'JPY'}");
	assert_holds(answer, "'total':2");
	assert_true(strstr(answer, "'seq':2") < strstr(answer, "'seq':1"));
}

/* ---- league, rank ---- */

static void ranks_are_as_honest_as_the_amounts(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'pay','deal':'d','from':'x','amount':'10 JPY'}");
	tell(s, "{'kind':'pay','deal':'d','from':'y','amount':'5..20 JPY'}");
	tell(s, "{'kind':'pay','deal':'d','from':'z','amount':'1 JPY'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'99 JPY'}");
	const char *answer = ask(s, "league", "{'rung':'paid'}");
	assert_holds(answer, "'party':'x','best':1,'worst':2");
	assert_holds(answer, "'party':'y','best':1,'worst':2");
	assert_holds(answer, "'party':'z','best':3,'worst':3");
	assert_holds(answer, "'unattributed':[{'currency':'JPY','amount':{'low':'99'");
	tell(s, "{'kind':'pay','deal':'d','from':'z'}"); /* undisclosed: anything may be */
	assert_holds(ask(s, "league", "{'rung':'paid'}"), "'party':'z','best':1,'worst':3");
}

static void to_overtake_is_to_pass_from_certainly_not_above_to_certainly_above(void **state)
{
	static const char question[] = "{'party':'x','other':'y','rung':'paid',"
				       "'before':'2025-01-01','after':'2025-01-02'}";
	struct story *s = *state;

	tell(s, "{'kind':'pay','deal':'d','from':'y','amount':'5 JPY','stated':'2025-01-01'}");
	tell(s, "{'kind':'pay','deal':'d','from':'x','amount':'5..9 JPY','stated':'2025-01-02'}");
	assert_holds(ask(s, "overtook", question), "'overtook':'possible'");
	tell(s, "{'kind':'pay','deal':'d','from':'x','amount':'1 JPY','stated':'2025-01-02'}");
	assert_holds(ask(s, "overtook", question), "'overtook':'certain'");
	tell(s, "{'kind':'pay','deal':'d','from':'y','amount':'9 JPY','stated':'2025-01-02'}");
	assert_holds(ask(s, "overtook", question), "'overtook':'no'");
}

/* ---- parties ---- */

static void a_party_is_paid_by_the_topmost_deals_that_name_it(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'deal','deal':'p','to':'t','links':[{'type':'part_of','deal':'d'}]}");
	tell(s, "{'kind':'deal','deal':'d','to':'t'}");
	tell(s, "{'kind':'pay','deal':'p','from':'x','amount':'3 JPY'}");
	assert_holds(ask(s, "party_figure", "{'party':'t','rung':'paid'}"),
		     "'to':[{'currency':'JPY','amount':{'low':'3','high':'3'");
	assert_holds(ask(s, "backers_figure", "{'to':'t','rung':'paid'}"),
		     "'payers':[{'payer':'x','sums':[{'currency':'JPY','amount':{'low':'3'");
}

/* ---- flows, cycles ---- */

static void a_round_trip_has_its_weakest_rung_and_nobody_pays_for_what_is_unattributed(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'pay','deal':'d','from':'x','to':'y','amount':'3 JPY'}");
	tell(s, "{'kind':'announce','deal':'e','from':'y','to':'x','amount':'3 JPY'}");
	tell(s, "{'kind':'pay','deal':'f','to':'x','amount':'3 JPY'}");
	assert_holds(ask(s, "cycles", "{}"),
		     "'total':1,'cycles':[{'parties':['x','y'],'weakest':'announced',"
		     "'rungs':['paid','announced']}]");
	assert_holds(ask(s, "flows", "{'rung':'paid'}"), "{'to':'x','rungs'");
	tell(s, "{'kind':'cancel','deal':'e','reason':'lapsed','stated':'2025-02-01'}");
	assert_holds(ask(s, "cycles", "{}"), "'total':0");
}

/* ---- reconcile ---- */

static void a_total_is_compared_under_its_own_scope_and_window(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'pay','deal':'d','from':'x','to':'y','amount':'3 JPY','on':'2025-01-01'}");
	tell(s, "{'kind':'pay','deal':'d','from':'x','to':'y','amount':'4 JPY','on':'2025-02-01'}");
	tell(s, "{'kind':'total','from':'x','rung':'paid','amount':'7 JPY'}");
	tell(s, "{'kind':'total','from':'x','rung':'paid','amount':'4 JPY','on':'2025-01-31/..'}");
	tell(s, "{'kind':'total','from':'x','rung':'paid','amount':'6..9 JPY'}");
	tell(s, "{'kind':'total','from':'x','rung':'paid','amount':'5 JPY'}");
	tell(s, "{'kind':'total','to':'y','rung':'paid','amount':'9 JPY','deals':'nowhere'}");
	tell(s, "{'kind':'total','to':'y','rung':'paid','amount':'9 EUR'}");
	const char *answer = ask(s, "reconcile", "{}");
	static const char *const verdicts[] = { "match", "match", "compatible", "below", "above",
						"unverifiable" };
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		answer = strstr(answer, "'verdict':'");
		assert_non_null(answer);
		answer += strlen("'verdict':'");
		assert_memory_equal(answer, verdicts[i], strlen(verdicts[i]));
	}
}

/* ---- anomalies ---- */

static void only_what_is_certain_is_an_anomaly(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'deal','deal':'p','links':[{'type':'part_of','deal':'d'},"
		"{'type':'part_of','deal':'e'}]}");
	tell(s, "{'kind':'commit','deal':'d','amount':'10 JPY'}");
	tell(s, "{'kind':'commit','deal':'p','amount':'10..12 JPY'}");
	assert_lacks(ask(s, "anomalies", "{}"), "parts_beyond_whole");
	tell(s, "{'kind':'commit','deal':'p','amount':'11..12 JPY','stated':'2025-01-02'}");
	const char *answer = ask(s, "anomalies", "{}");
	assert_holds(answer, "'anomaly':'parts_beyond_whole','deal':'d'");
	assert_holds(answer, "'anomaly':'part_of_double','deal':'p'");
	assert_lacks(answer, "statements_do_not_meet");
	tell(s, "{'kind':'pay','deal':'d','amount':'11 JPY'}");
	tell(s, "{'kind':'commit','deal':'d','amount':'9 JPY','stated':'2025-01-02'}");
	tell(s, "{'kind':'condition','deal':'d','condition':'c','state':'stated','amount':'99 JPY'}");
	answer = ask(s, "anomalies", "{}");
	assert_holds(answer, "'anomaly':'paid_beyond_committed','deal':'d'");
	assert_holds(answer, "'anomaly':'statements_do_not_meet','deal':'d'");
	assert_holds(answer, "'anomaly':'conditional_beyond_committed','deal':'d'");
}

static void a_payment_after_a_cancel_is_an_anomaly_unless_it_may_have_been_before(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'cancel','deal':'d','reason':'lapsed','stated':'2025-02-10'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'1 JPY','stated':'2025-03-01','on':'2025-02'}");
	assert_lacks(ask(s, "anomalies", "{}"), "statement_after_cancel");
	tell(s, "{'kind':'pay','deal':'d','amount':'1 JPY','stated':'2025-03-01'}");
	assert_holds(ask(s, "anomalies", "{}"), "statement_after_cancel");
}

static void an_addition_that_follows_nothing_wants_no_rate_for_anomalies(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'talks','deal':'d','amount':'1 EUR','adds':true,'stated':'2025-01-01'}");
	tell(s, "{'kind':'talks','deal':'d','amount':'9 JPY','stated':'2025-01-02'}");
	assert_holds(ask(s, "anomalies", "{'currency':'JPY'}"), "'total':0");
}

/* ---- diff, why ---- */

static void each_change_has_its_cause(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'deal','deal':'p','links':[{'type':'part_of','deal':'d'}]}");
	tell(s, "{'kind':'pay','deal':'d','amount':'1 JPY'}");
	tell(s, "{'kind':'pay','deal':'p','amount':'2 JPY'}");
	tell(s, "{'kind':'pay','deal':'other','amount':'2 JPY'}");
	tell(s, "{'kind':'deal','deal':'e','links':[{'type':'supersedes','deal':'d'}]}");
	tell(s, "{'kind':'pay','deal':'e','amount':'2 JPY'}");
	const char *answer = ask(s, "diff", "{'before':{'at_seq':2},'after':{},'deal':'d'}");
	assert_holds(answer, "'what':'total','rung':'paid'");
	assert_holds(answer, "'deal_after':'e'");
	assert_holds(answer, "'causes':[3,5]");
	assert_holds(ask(s, "diff", "{'before':{},'after':{}}"), "'total':0");
	assert_holds(ask(s, "diff", "{'before':{'at_seq':1},'after':{},'assume':'e'}"), "'total':");
}

static void why_names_what_a_figure_is_computed_from_and_its_independent_sources(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'deal','deal':'p','links':[{'type':'part_of','deal':'d'}]}");
	tell(s, "{'kind':'pay','deal':'p','amount':'2 JPY','source':{'publisher':'Herald'}}");
	tell(s, "{'kind':'pay','deal':'d','amount':'3 JPY'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'3 JPY'}"); /* the Wire again */
	tell(s, "{'kind':'pay','deal':'d','amount':'4 JPY','derived_from':'#2',"
		"'source':{'publisher':'Echo'}}"); /* a copy */
	tell(s, "{'kind':'commit','deal':'d','amount':'9 JPY'}");
	const char *answer = ask(s, "why", "{'deal':'d','rung':'paid'}");
	assert_holds(answer, "'sources':2,'events':3");
	assert_holds(answer, "'deal':'p','part_of':'d'");
	assert_holds(ask(s, "why", "{'deal':'d','rung':'committed'}"), "'sources':1,'events':1");
}

/* ---- search, lists ---- */

static void a_name_is_found_in_any_script_case_and_spelling(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'party','party':'x','name':'Société Générale','names':['ソシエテ']}");
	assert_holds(ask(s, "search", "{'text':'SOCIETE'}"), "'party':'x','name':'Société Générale'");
	assert_holds(ask(s, "search", "{'text':'générale'}"), "'party':'x'");
	assert_holds(ask(s, "search", "{'text':'ソシエテ'}"), "'name':'ソシエテ'");
	assert_holds(ask(s, "search", "{'text':'nobody'}"), "'total':0");
	tell(s, "{'kind':'party','party':'x','name':'Other','stated':'2025-01-02'}");
	assert_holds(ask(s, "search", "{'text':'SOCIETE'}"), "'total':0");
}

static void what_nothing_visible_names_is_in_no_list_and_not_found(void **state)
{
	struct story *s = *state;

	tell(s, "{'kind':'pay','deal':'d','from':'x','amount':'1 JPY','stated':'2025-01-02'}");
	tell(s, "{'kind':'total','from':'y','rung':'paid','amount':'1 JPY','stated':'2025-01-03'}");
	tell(s, "{'kind':'deal','deal':'p','to':'z','links':[{'type':'part_of','deal':'w'}],"
		"'stated':'2025-01-04'}");
	assert_holds(ask(s, "parties", "{'clocks':{'as_of':'2025-01-01'}}"), "'parties':[]");
	assert_holds(ask(s, "deals", "{'clocks':{'as_of':'2025-01-01'}}"), "'deals':[]");
	assert_holds(ask(s, "search", "{'text':'x','clocks':{'as_of':'2025-01-01'}}"), "'total':0");
	assert_holds(ask(s, "search", "{'text':'x','clocks':{'as_of':'2025-01-02'}}"), "'total':1");
	assert_holds(ask(s, "parties", "{'clocks':{'as_of':'2025-01-03'}}"),
		     "'parties':[{'party':'x'},{'party':'y'}]");
	assert_holds(ask(s, "parties", "{'limit':2}"), "'more':true,'parties':[{'party':'x'},{'party':'y'}]");
	assert_holds(ask(s, "parties", "{'limit':2,'after':'y'}"), "'parties':[{'party':'z'}]");
	const char *deals = ask(s, "deals", "{}");
	assert_holds(deals, "{'deal':'w','events':0}"); /* named as a whole */
	assert_holds(deals, "{'deal':'p','part_of':'w','events':1}");
	tell(s, "{'kind':'retract','ref':'#1'}");
	assert_lacks(ask(s, "parties", "{}"), "'party':'x'");
	assert_lacks(ask(s, "deals", "{}"), "'deal':'d'");
}

static void every_answer_says_what_makes_it_repeatable(void **state)
{
	static const char *const questions[][2] = {
		{ "deal_figure", "{'deal':'d'}" }, { "history", "{'deal':'d'}" },
		{ "party_figure", "{'party':'x'}" }, { "backers_figure", "{'to':'x'}" },
		{ "league", "{'rung':'paid'}" }, { "flows", "{}" }, { "cycles", "{}" },
		{ "overtook", "{'party':'x','other':'x','rung':'paid','before':'2025-01-01',"
			      "'after':'2025-01-02'}" },
		{ "why", "{'deal':'d','rung':'paid'}" }, { "reconcile", "{}" },
		{ "anomalies", "{}" }, { "diff", "{'before':{},'after':{}}" },
		{ "search", "{'text':'x'}" }, { "parties", "{}" }, { "deals", "{}" },
		{ "rates", "{'base':'EUR','quote':'JPY'}" }
	};
	struct story *s = *state;

	tell(s, "{'kind':'pay','deal':'d','from':'x','amount':'1 JPY'}");
	for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
		const char *answer = ask(s, questions[i][0], questions[i][1]);
		assert_holds(answer, "'basis':{'ledger':");
		assert_holds(answer, "'at_seq':1");
		assert_holds(answer, "'policy':'best'");
		assert_holds(answer, "'rules':'avow-1'");
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_amount_takes_the_latest_rate_on_or_before_its_day_direct_or_inverse),
		TEST(a_missing_rate_is_an_error_that_names_the_first_in_order),
		TEST(rates_are_rounded_half_to_even_once_at_the_end),
		TEST(rates_are_listed_by_day),
		TEST(ranks_are_as_honest_as_the_amounts),
		TEST(to_overtake_is_to_pass_from_certainly_not_above_to_certainly_above),
		TEST(a_party_is_paid_by_the_topmost_deals_that_name_it),
		TEST(a_round_trip_has_its_weakest_rung_and_nobody_pays_for_what_is_unattributed),
		TEST(a_total_is_compared_under_its_own_scope_and_window),
		TEST(only_what_is_certain_is_an_anomaly),
		TEST(a_payment_after_a_cancel_is_an_anomaly_unless_it_may_have_been_before),
		TEST(an_addition_that_follows_nothing_wants_no_rate_for_anomalies),
		TEST(each_change_has_its_cause),
		TEST(why_names_what_a_figure_is_computed_from_and_its_independent_sources),
		TEST(a_name_is_found_in_any_script_case_and_spelling),
		TEST(what_nothing_visible_names_is_in_no_list_and_not_found),
		TEST(every_answer_says_what_makes_it_repeatable),
	};

	return cmocka_run_group_tests_name("fold/answers", tests, NULL, NULL);
}
