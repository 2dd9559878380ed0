/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of one deal: visible statements (visible), payers and parts (view, payers), rungs and
 * policies (ladder, choice), stage and conditions (stage). DESIGN.md section 4, rules 1 to 9.
 */
#include "tests/unit/story.h"

#include <stdio.h>

#define COMMITTED(who) figure(s, "{'deal':'d'}", rung_committed, who)
#define PAID(who) figure(s, "{'deal':'d'}", rung_paid, who)

/* ---- visible ---- */

static void the_latest_correction_replaces_the_whole_content(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'commit','deal':'d','amount':'10 JPY','stated':'2025-01-01'}");
	tell(s, "{'kind':'commit','deal':'d','amount':'30 JPY','stated':'2025-01-05','ref':'#1'}");
	tell(s, "{'kind':'commit','deal':'d','amount':'20 JPY','stated':'2025-01-03','ref':'#1'}");
	assert_string_equal(COMMITTED(NULL), "30 JPY");
	assert_string_equal(figure(s, "{'deal':'d','clocks':{'as_of':'2025-01-04'}}", rung_committed,
				   NULL), "20 JPY");
	tell(s, "{'kind':'commit','deal':'e','amount':'5 JPY','stated':'2025-01-06','ref':'#1'}");
	assert_string_equal(COMMITTED(NULL), "nothing");
	assert_string_equal(figure(s, "{'deal':'e'}", rung_committed, NULL), "5 JPY");
}

static void a_late_correction_stands_where_the_original_stood(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'commit','deal':'d','amount':'10 JPY','stated':'2025-01-01'}");
	tell(s, "{'kind':'commit','deal':'d','amount':'20 JPY','stated':'2025-01-02'}");
	tell(s, "{'kind':'commit','deal':'d','amount':'11 JPY','stated':'2025-01-09','ref':'#1'}");
	assert_string_equal(COMMITTED(NULL), "20 JPY");
}

static void a_retract_of_the_first_version_withdraws_the_statement(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'pay','deal':'d','amount':'10 JPY'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'12 JPY','ref':'#1'}");
	tell(s, "{'kind':'retract','ref':'#1'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'13 JPY','ref':'#2'}");
	assert_string_equal(PAID(NULL), "nothing");
	assert_string_equal(figure(s, "{'deal':'d','clocks':{'at_seq':2}}", rung_paid, NULL), "12 JPY");
}

static void a_retract_of_a_correction_undoes_that_alone_and_one_of_a_retract_undoes_that(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'pay','deal':'d','amount':'10 JPY'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'12 JPY','ref':'#1'}");
	tell(s, "{'kind':'retract','ref':'#2'}");
	assert_string_equal(PAID(NULL), "10 JPY");
	tell(s, "{'kind':'retract','ref':'#3'}");
	assert_string_equal(PAID(NULL), "12 JPY");
	tell(s, "{'kind':'retract','ref':'#4'}");
	assert_string_equal(PAID(NULL), "10 JPY");
}

static void a_copy_of_a_visible_statement_sets_nothing(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'commit','deal':'d','amount':'10 JPY','stated':'2025-01-03'}");
	tell(s, "{'kind':'commit','deal':'d','amount':'99 JPY','stated':'2025-01-04',"
		"'derived_from':'#1'}");
	assert_string_equal(COMMITTED(NULL), "10 JPY");
	tell(s, "{'kind':'retract','ref':'#1'}"); /* then it is all there is */
	assert_string_equal(COMMITTED(NULL), "99 JPY");
}

static void what_may_have_happened_by_on_counts_and_declarations_always_do(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'pay','deal':'d','amount':'10 JPY','on':'2025-03'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'5 JPY','on':'2025-04-02'}");
	tell(s, "{'kind':'deal','deal':'d','from':'x','on':'2099'}");
	assert_string_equal(figure(s, "{'deal':'d','clocks':{'on':'2025-03-01'}}", rung_paid, "x"),
			    "10 JPY");
	assert_string_equal(figure(s, "{'deal':'d','clocks':{'on':'2025-02-28'}}", rung_paid, "x"),
			    "nothing");
}

/* ---- view, payers ---- */

static void without_from_a_statement_speaks_for_the_only_declared_payer(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'commit','deal':'d','amount':'10 JPY'}");
	assert_string_equal(COMMITTED("-"), "10 JPY");
	tell(s, "{'kind':'deal','deal':'d','from':'x'}");
	assert_string_equal(COMMITTED("x"), "10 JPY");
	tell(s, "{'kind':'deal','deal':'d','from':['x','y'],'stated':'2025-01-02'}");
	assert_string_equal(COMMITTED("x"), "nothing");
	assert_string_equal(COMMITTED(NULL), "10 JPY");
}

static void the_latest_declaration_replaces_earlier_ones_whole(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'deal','deal':'p','from':'x','links':[{'type':'part_of','deal':'d'}]}");
	tell(s, "{'kind':'commit','deal':'p','amount':'10 JPY'}");
	assert_string_equal(COMMITTED("x"), "10 JPY");
	tell(s, "{'kind':'deal','deal':'p','from':'y','stated':'2025-02-01'}");
	assert_string_equal(COMMITTED(NULL), "nothing");
}

static void a_part_of_that_closes_a_circle_is_dropped(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'deal','deal':'d','links':[{'type':'part_of','deal':'e'}]}");
	tell(s, "{'kind':'deal','deal':'e','links':[{'type':'part_of','deal':'d'}]}");
	tell(s, "{'kind':'pay','deal':'d','amount':'10 JPY'}");
	tell(s, "{'kind':'pay','deal':'e','amount':'1 JPY'}");
	assert_string_equal(figure(s, "{'deal':'e'}", rung_paid, NULL), "11 JPY");
	assert_string_equal(PAID(NULL), "10 JPY");
}

/* d0 is part of d1, that of d2, and so on. */
static void part_of_next(struct story *s, int deal, int next)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "{'kind':'deal','deal':'d%d','links':"
		       "[{'type':'part_of','deal':'d%d'}]}", deal, next);
	tell(s, text);
}

/* 551 deals, of which d0 to d50 would have 500 others or more above them. */
static void chain_has_its_lowest_alone(struct story *s)
{
	tell(s, "{'kind':'pay','deal':'d0','amount':'1 JPY'}");
	tell(s, "{'kind':'pay','deal':'d50','amount':'10 JPY'}");
	tell(s, "{'kind':'pay','deal':'d51','amount':'100 JPY'}");
	assert_string_equal(figure(s, "{'deal':'d550'}", rung_paid, NULL), "100 JPY");
	assert_string_equal(figure(s, "{'deal':'d51'}", rung_paid, NULL), "100 JPY");
	assert_string_equal(figure(s, "{'deal':'d50'}", rung_paid, NULL), "10 JPY");
	assert_string_equal(figure(s, "{'deal':'d0'}", rung_paid, NULL), "1 JPY");
}

static void a_deal_that_would_be_inside_too_many_others_stands_alone(void **state)
{
	for (int i = 0; i < 550; i++)
		part_of_next(*state, i, i + 1);
	chain_has_its_lowest_alone(*state);
	tell(*state, "{'kind':'deal','deal':'d300','stated':'2025-01-02'}");
	assert_string_equal(figure(*state, "{'deal':'d300'}", rung_paid, NULL), "111 JPY");
}

static void the_same_deals_stand_alone_in_whatever_order_they_were_declared(void **state)
{
	for (int i = 550; i-- > 0;)
		part_of_next(*state, i, i + 1);
	chain_has_its_lowest_alone(*state);
}

static void a_circle_of_more_deals_than_may_be_inside_one_another_falls_apart(void **state)
{
	for (int i = 0; i < 501; i++)
		part_of_next(*state, i, (i + 1) % 501);
	tell(*state, "{'kind':'deal','deal':'d','links':[{'type':'part_of','deal':'d7'}]}");
	tell(*state, "{'kind':'pay','deal':'d','amount':'1 JPY'}");
	tell(*state, "{'kind':'pay','deal':'d3','amount':'10 JPY'}");
	tell(*state, "{'kind':'pay','deal':'d4','amount':'100 JPY'}");
	assert_string_equal(figure(*state, "{'deal':'d'}", rung_paid, NULL), "1 JPY");
	assert_string_equal(figure(*state, "{'deal':'d3'}", rung_paid, NULL), "10 JPY");
	assert_string_equal(figure(*state, "{'deal':'d4'}", rung_paid, NULL), "100 JPY");
	assert_string_equal(figure(*state, "{'deal':'d7'}", rung_paid, NULL), "nothing");
}

static void a_circle_of_as_many_deals_as_may_be_inside_one_another_is_cut_once(void **state)
{
	for (int i = 0; i < 500; i++)
		part_of_next(*state, i, (i + 1) % 500);
	tell(*state, "{'kind':'pay','deal':'d0','amount':'1 JPY'}");
	assert_string_equal(figure(*state, "{'deal':'d499'}", rung_paid, NULL), "1 JPY");
}

/* ---- ladder, choice ---- */

static void best_takes_the_latest_of_the_best_grade(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'commit','deal':'d','amount':'10 JPY','grade':'official','stated':'2025-01-01'}");
	tell(s, "{'kind':'commit','deal':'d','amount':'11 JPY','grade':'official','stated':'2025-01-02'}");
	tell(s, "{'kind':'commit','deal':'d','amount':'20 JPY','grade':'social','stated':'2025-01-03'}");
	assert_string_equal(COMMITTED(NULL), "11 JPY");
	assert_string_equal(figure(s, "{'deal':'d','policy':'latest'}", rung_committed, NULL), "20 JPY");
	assert_string_equal(figure(s, "{'deal':'d','policy':'hull'}", rung_committed, NULL),
			    "10..20 JPY");
}

static void what_is_added_counts_after_the_chosen_one_and_by_its_grade(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'commit','deal':'d','amount':'1 JPY','adds':true,'stated':'2025-01-01'}");
	tell(s, "{'kind':'commit','deal':'d','amount':'10 JPY','stated':'2025-01-02'}");
	tell(s, "{'kind':'commit','deal':'d','amount':'2 JPY','adds':true,'stated':'2025-01-03'}");
	tell(s, "{'kind':'commit','deal':'d','amount':'4 JPY','adds':true,'grade':'social',"
		"'stated':'2025-01-04'}");
	assert_string_equal(COMMITTED(NULL), "12 JPY");
	assert_string_equal(figure(s, "{'deal':'d','policy':'latest'}", rung_committed, NULL), "16 JPY");
}

static void what_is_committed_is_also_announced_but_not_the_other_way_round(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'commit','deal':'d','amount':'10 JPY'}");
	tell(s, "{'kind':'talks','deal':'d','amount':'30 JPY'}");
	assert_string_equal(figure(s, "{'deal':'d'}", rung_announced, NULL), "10 JPY");
	assert_string_equal(figure(s, "{'deal':'d'}", rung_talked, NULL), "30 JPY");
	assert_string_equal(COMMITTED(NULL), "10 JPY");
}

static void an_assumed_deal_has_its_best_lower_rung_committed(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'talks','deal':'d','amount':'30 JPY'}");
	assert_string_equal(COMMITTED(NULL), "nothing");
	assert_string_equal(figure(s, "{'deal':'d','assume':'d'}", rung_committed, NULL), "30 JPY");
	tell(s, "{'kind':'announce','deal':'d','amount':'20 JPY'}");
	assert_string_equal(figure(s, "{'deal':'d','assume':'d'}", rung_committed, NULL), "20 JPY");
	tell(s, "{'kind':'commit','deal':'d','amount':'10 JPY'}");
	assert_string_equal(figure(s, "{'deal':'d','assume':'d'}", rung_committed, NULL), "10 JPY");
}

static void what_is_stated_hides_parts_and_payments_and_else_they_count(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'deal','deal':'p','links':[{'type':'part_of','deal':'d'}]}");
	tell(s, "{'kind':'commit','deal':'p','from':'x','amount':'3 JPY'}");
	tell(s, "{'kind':'pay','deal':'d','from':'x','amount':'2 JPY'}");
	assert_string_equal(COMMITTED("x"), "5 JPY");
	tell(s, "{'kind':'commit','deal':'d','from':'x','amount':'4 JPY'}");
	assert_string_equal(COMMITTED("x"), "4 JPY");
}

static void money_returned_lowers_what_is_paid_even_below_nothing(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'pay','deal':'d','from':'x','amount':'2 JPY'}");
	tell(s, "{'kind':'pay','deal':'d','from':'x','amount':'5 JPY','returned':true}");
	assert_string_equal(PAID("x"), "-3 JPY");
}

static void unattributed_is_what_a_whole_states_beyond_its_payers_never_below_nothing(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'commit','deal':'d','amount':'10 JPY'}");
	tell(s, "{'kind':'commit','deal':'d','from':'x','amount':'3..4 JPY'}");
	assert_string_equal(COMMITTED("-"), "6..7 JPY");
	tell(s, "{'kind':'commit','deal':'d','from':'y','amount':'>=8 JPY'}");
	assert_string_equal(COMMITTED("-"), "0 JPY");
	assert_string_equal(COMMITTED(NULL), "10 JPY");
}

static void what_is_undisclosed_hides_nothing_and_lowers_no_total(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'deal','deal':'p','links':[{'type':'part_of','deal':'d'}]}");
	tell(s, "{'kind':'commit','deal':'p','amount':'10 JPY'}");
	assert_string_equal(COMMITTED(NULL), "10 JPY");
	tell(s, "{'kind':'commit','deal':'p','from':'x'}");
	assert_string_equal(COMMITTED(NULL), "10 JPY + 1 undisclosed");
	assert_string_equal(COMMITTED("-"), "<=10 JPY");
	assert_string_equal(figure(s, "{'deal':'p'}", rung_committed, NULL), "10 JPY");
}

static void undisclosed_counts_only_where_no_statement_of_that_rung_has_an_amount(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'commit','deal':'d','from':'x'}");
	tell(s, "{'kind':'commit','deal':'d','from':'x'}");
	assert_string_equal(COMMITTED("x"), "1 undisclosed");
	tell(s, "{'kind':'pay','deal':'d','from':'x'}");
	tell(s, "{'kind':'pay','deal':'d','from':'x'}");
	assert_string_equal(PAID("x"), "2 undisclosed");
	tell(s, "{'kind':'commit','deal':'d','from':'x','amount':'9 JPY'}");
	assert_string_equal(COMMITTED("x"), "9 JPY");
}

static void guarantees_are_summed_with_nothing_else(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'pay','deal':'d','amount':'1 JPY'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'2 JPY','basis':'stock'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'4 JPY','basis':'guarantee'}");
	assert_string_equal(PAID(NULL), "3 JPY");
	assert_string_equal(figure(s, "{'deal':'d','basis':'guarantee'}", rung_paid, NULL), "4 JPY");
}

static void currencies_are_kept_apart(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'pay','deal':'d','amount':'1 JPY'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'~2 EUR'}");
	assert_string_equal(PAID(NULL), "~2 EUR, 1 JPY");
}

/* ---- cancels, stage, conditions ---- */

static void after_a_cancel_all_but_paid_starts_again_from_nothing_in_parts_too(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'deal','deal':'p','links':[{'type':'part_of','deal':'d'}]}");
	tell(s, "{'kind':'commit','deal':'p','from':'x','amount':'3 JPY'}");
	tell(s, "{'kind':'pay','deal':'p','from':'x','amount':'1 JPY'}");
	tell(s, "{'kind':'cancel','deal':'d','reason':'terminated','stated':'2025-02-01'}");
	assert_string_equal(COMMITTED(NULL), "1 JPY");
	assert_string_equal(PAID(NULL), "1 JPY");
	assert_non_null(strstr(ask(s, "deal_figure", "{'deal':'p'}"), "'stage':'cancelled'"));
}

static void a_cancel_of_one_payer_ends_only_its_part_and_changes_no_stage(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'commit','deal':'d','from':'x','amount':'3 JPY'}");
	tell(s, "{'kind':'commit','deal':'d','from':'y','amount':'4 JPY'}");
	tell(s, "{'kind':'cancel','deal':'d','from':'x','reason':'withdrawn','stated':'2025-02-01'}");
	assert_string_equal(COMMITTED(NULL), "4 JPY");
	assert_non_null(strstr(ask(s, "deal_figure", "{'deal':'d'}"), "'stage':'committed'"));
}

static void a_weaker_statement_after_a_stronger_one_is_no_step_back(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'close','deal':'d','stated':'2025-01-01'}");
	tell(s, "{'kind':'rumour','deal':'d','stated':'2025-01-02'}");
	assert_non_null(strstr(ask(s, "deal_figure", "{'deal':'d'}"), "'stage':'closed'"));
}

static void only_talks_announce_or_commit_reopen_what_was_cancelled(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'cancel','deal':'d','reason':'lapsed','stated':'2025-01-01'}");
	tell(s, "{'kind':'pay','deal':'d','amount':'1 JPY','stated':'2025-01-02'}");
	assert_non_null(strstr(ask(s, "deal_figure", "{'deal':'d'}"), "'stage':'cancelled'"));
	tell(s, "{'kind':'talks','deal':'d','stated':'2025-01-03'}");
	assert_non_null(strstr(ask(s, "deal_figure", "{'deal':'d'}"), "'stage':'talks'"));
}

static void a_payment_means_at_least_committed_a_return_does_not(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'pay','deal':'d','amount':'1 JPY','returned':true}");
	assert_null(strstr(ask(s, "deal_figure", "{'deal':'d'}"), "'stage'"));
	tell(s, "{'kind':'pay','deal':'d','amount':'1 JPY'}");
	assert_non_null(strstr(ask(s, "deal_figure", "{'deal':'d'}"), "'stage':'committed'"));
}

static void conditional_is_the_sum_of_what_hangs_on_open_conditions_with_those_of_parts(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'deal','deal':'p','links':[{'type':'part_of','deal':'d'}]}");
	tell(s, "{'kind':'condition','deal':'d','condition':'a','state':'stated','amount':'3 JPY'}");
	tell(s, "{'kind':'condition','deal':'d','condition':'b','state':'stated','amount':'4 JPY'}");
	tell(s, "{'kind':'condition','deal':'p','condition':'a','state':'stated','amount':'8 JPY',"
		"'deadline':'2025-01-02'}");
	assert_non_null(strstr(ask(s, "deal_figure", "{'deal':'d'}"),
			       "'conditional':[{'currency':'JPY','amount':{'low':'15'"));
	tell(s, "{'kind':'condition','deal':'d','condition':'b','state':'waived'}");
	assert_non_null(strstr(ask(s, "deal_figure", "{'deal':'d'}"),
			       "'conditional':[{'currency':'JPY','amount':{'low':'11'"));
}

/* ---- sums of parties ---- */

static void of_a_superseded_deal_only_what_was_paid_counts_on(void **state)
{
	struct story *s = *state;
	tell(s, "{'kind':'commit','deal':'d','from':'x','to':'y','amount':'9 JPY'}");
	tell(s, "{'kind':'pay','deal':'d','from':'x','to':'y','amount':'2 JPY'}");
	tell(s, "{'kind':'deal','deal':'e','links':[{'type':'supersedes','deal':'d'}]}");
	assert_non_null(strstr(ask(s, "party_figure", "{'party':'x','rung':'committed'}"),
			       "'rungs':[{'rung':'committed','from':[{'currency':'JPY',"
			       "'amount':{'low':'2','high':'2'"));
	assert_string_equal(COMMITTED("x"), "9 JPY");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, story_setup, story_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_latest_correction_replaces_the_whole_content),
		TEST(a_late_correction_stands_where_the_original_stood),
		TEST(a_retract_of_the_first_version_withdraws_the_statement),
		TEST(a_retract_of_a_correction_undoes_that_alone_and_one_of_a_retract_undoes_that),
		TEST(a_copy_of_a_visible_statement_sets_nothing),
		TEST(what_may_have_happened_by_on_counts_and_declarations_always_do),
		TEST(without_from_a_statement_speaks_for_the_only_declared_payer),
		TEST(the_latest_declaration_replaces_earlier_ones_whole),
		TEST(a_part_of_that_closes_a_circle_is_dropped),
		TEST(a_deal_that_would_be_inside_too_many_others_stands_alone),
		TEST(the_same_deals_stand_alone_in_whatever_order_they_were_declared),
		TEST(a_circle_of_more_deals_than_may_be_inside_one_another_falls_apart),
		TEST(a_circle_of_as_many_deals_as_may_be_inside_one_another_is_cut_once),
		TEST(best_takes_the_latest_of_the_best_grade),
		TEST(what_is_added_counts_after_the_chosen_one_and_by_its_grade),
		TEST(what_is_committed_is_also_announced_but_not_the_other_way_round),
		TEST(an_assumed_deal_has_its_best_lower_rung_committed),
		TEST(what_is_stated_hides_parts_and_payments_and_else_they_count),
		TEST(money_returned_lowers_what_is_paid_even_below_nothing),
		TEST(unattributed_is_what_a_whole_states_beyond_its_payers_never_below_nothing),
		TEST(what_is_undisclosed_hides_nothing_and_lowers_no_total),
		TEST(undisclosed_counts_only_where_no_statement_of_that_rung_has_an_amount),
		TEST(guarantees_are_summed_with_nothing_else),
		TEST(currencies_are_kept_apart),
		TEST(after_a_cancel_all_but_paid_starts_again_from_nothing_in_parts_too),
		TEST(a_cancel_of_one_payer_ends_only_its_part_and_changes_no_stage),
		TEST(a_weaker_statement_after_a_stronger_one_is_no_step_back),
		TEST(only_talks_announce_or_commit_reopen_what_was_cancelled),
		TEST(a_payment_means_at_least_committed_a_return_does_not),
		TEST(conditional_is_the_sum_of_what_hangs_on_open_conditions_with_those_of_parts),
		TEST(of_a_superseded_deal_only_what_was_paid_counts_on),
	};

	return cmocka_run_group_tests_name("fold/figures", tests, NULL, NULL);
}
