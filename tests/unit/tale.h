/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tale: a short history in which every kind of event and every rule of the figures has a part, and
 * questions of every kind about it; written as story.h says.
 */
#ifndef AVOW_TESTS_TALE_H
#define AVOW_TESTS_TALE_H

#include "tests/unit/story.h"

static const char *const tale_events[] = {
	"{'kind':'party','party':'wolf','name':'Wolf AG','names':['ウルフ','Loup'],'type':'company',"
	"'identifiers':{'ticker':'XETR:WLF'},'group':'pack','stated':'2025-01-01'}",
	"{'kind':'party','party':'fox','name':'Fox Inc','type':'person','stated':'2025-01-01'}",
	"{'kind':'deal','deal':'den','title':'The den','from':['wolf','fox'],'to':'hare',"
	"'links':[{'type':'funded_by','deal':'burrow'}],'stated':'2025-01-02'}",
	"{'kind':'deal','deal':'den-one','from':'wolf','to':'hare',"
	"'links':[{'type':'part_of','deal':'den'},{'type':'part_of','deal':'burrow'}],"
	"'stated':'2025-01-02'}",
	"{'kind':'deal','deal':'burrow','from':'hare','to':'wolf','stated':'2025-01-03'}",
	"{'kind':'deal','deal':'new-den','from':'fox','to':'hare',"
	"'links':[{'type':'supersedes','deal':'old-den'}],'stated':'2025-01-03'}",
	"{'kind':'rate','base':'EUR','quote':'JPY','rate':'160.5','stated':'2025-01-01'}",
	"{'kind':'rate','base':'USD','quote':'EUR','rate':'0.9','stated':'2025-01-01'}",
	"{'kind':'rate','base':'JPY','quote':'USD','rate':'0.007','on':'2025-01-02'}",
	"{'kind':'rumour','deal':'den','amount':'10..20 EUR','grade':'social','stated':'2025-01-03'}",
	"{'kind':'talks','deal':'den','from':'wolf','amount':'~15 EUR','phase':'advanced',"
	"'stated':'2025-01-04'}",
	"{'kind':'announce','deal':'den','amount':'>40 EUR','grade':'official','stated':'2025-01-05'}",
	"{'kind':'announce','deal':'den','amount':'2 EUR','adds':true,'grade':'official',"
	"'stated':'2025-01-06'}",
	"{'kind':'commit','deal':'den','from':'wolf','amount':'<=25 EUR','stated':'2025-01-07'}",
	"{'kind':'commit','deal':'den','from':'fox','stated':'2025-01-07'}",
	"{'kind':'commit','deal':'den-one','from':'wolf','amount':'5 USD','basis':'stock',"
	"'stated':'2025-01-08'}",
	"{'kind':'pay','deal':'den-one','from':'wolf','amount':'3 USD','on':'2025-01-08',"
	"'stated':'2025-01-09'}",
	"{'kind':'pay','deal':'den','amount':'4 EUR','stated':'2025-01-09'}",
	"{'kind':'pay','deal':'den','from':'fox','stated':'2025-01-09'}",
	"{'kind':'pay','deal':'den-one','from':'wolf','amount':'1 USD','returned':true,"
	"'stated':'2025-01-10'}",
	"{'kind':'pay','deal':'burrow','from':'hare','to':'wolf','amount':'700 JPY',"
	"'stated':'2025-01-10'}",
	"{'kind':'condition','deal':'den','condition':'permit','state':'stated','amount':'5 EUR',"
	"'deadline':'2025-03-01','stated':'2025-01-10'}",
	"{'kind':'condition','deal':'den-one','condition':'vote','state':'stated','amount':'9 USD',"
	"'stated':'2025-01-10'}",
	"{'kind':'total','from':'wolf','rung':'paid','amount':'2 USD','deals':['den-one'],"
	"'assume':['new-den'],'stated':'2025-01-11'}",
	"{'kind':'total','to':'hare','rung':'committed','amount':'90..99 EUR','stated':'2025-01-11'}",
	"{'kind':'total','to':'hare','rung':'paid','amount':'3 USD','on':'2025-01-01/2025-01-08',"
	"'stated':'2025-01-11'}",
	"{'kind':'remark','deal':'den','stance':'doubt','by':'fox','note':'Never.',"
	"'stated':'2025-01-11'}",
	"{'kind':'market','deal':'den','instrument':'XETR:WLF','move':'-3.5','stated':'2025-01-11'}",
	"{'kind':'commit','deal':'old-den','from':'fox','to':'hare','amount':'7 EUR',"
	"'stated':'2025-01-11'}",
	"{'kind':'pay','deal':'old-den','from':'fox','to':'hare','amount':'1 EUR',"
	"'stated':'2025-01-11'}",
	"{'kind':'commit','deal':'new-den','from':'fox','amount':'8 EUR','stated':'2025-01-12',"
	"'tags':['late']}",
	"{'kind':'commit','deal':'den','from':'wolf','amount':'26 EUR','ref':'#14',"
	"'reason':'typo','stated':'2025-01-13'}",
	"{'kind':'commit','deal':'den','from':'wolf','amount':'26 EUR','derived_from':'#32',"
	"'source':{'publisher':'Echo'},'stated':'2025-01-14'}",
	"{'kind':'retract','ref':'#12','reason':'source_withdrawn','stated':'2025-01-15'}",
	"{'kind':'retract','ref':'#34','reason':'other','stated':'2025-01-16'}",
	"{'kind':'cancel','deal':'burrow','reason':'lapsed','stated':'2025-01-17'}",
	"{'kind':'pay','deal':'burrow','from':'hare','to':'wolf','amount':'5 JPY','on':'2025-01-18',"
	"'stated':'2025-01-18'}",
	"{'kind':'deal','deal':'circle','links':[{'type':'part_of','deal':'ring'}],"
	"'stated':'2025-01-18'}",
	"{'kind':'deal','deal':'ring','links':[{'type':'part_of','deal':'circle'}],"
	"'stated':'2025-01-18'}",
	"{'kind':'close','deal':'new-den','from':'fox','amount':'8 EUR','stated':'2025-01-19'}",
};

static const struct {
	const char *message, *question;
} tale_questions[] = {
	{ "deal_figure", "{'deal':'den'}" },
	{ "deal_figure", "{'deal':'den','currency':'JPY','policy':'hull','assume':['new-den'],"
			 "'clocks':{'as_of':'2025-01-14','on':'2025-01-20'}}" },
	{ "deal_figure", "{'deal':'old-den','policy':'latest','basis':['cash','stock']}" },
	{ "deal_figure", "{'deal':'dem'}" },
	{ "history", "{'deal':'den'}" },
	{ "history", "{'party':'fox'}" },
	{ "party_figure", "{'party':'wolf'}" },
	{ "party_figure", "{'party':'hare','rung':'committed','currency':'USD'}" },
	{ "backers_figure", "{'to':'hare'}" },
	{ "league", "{'rung':'committed'}" },
	{ "league", "{'rung':'paid','to':'hare','currency':'EUR'}" },
	{ "league", "{'rung':'paid','from':'wolf'}" },
	{ "league", "{'rung':'committed','by':'to'}" },
	{ "overtook", "{'party':'wolf','other':'fox','rung':'committed','before':'2025-01-05',"
		      "'after':'2025-01-20'}" },
	{ "overtook", "{'party':'wolf','other':'fox','rung':'paid','to':'hare','currency':'EUR',"
		      "'before':'2025-01-05','after':'2025-01-20'}" },
	{ "flows", "{}" },
	{ "flows", "{'rung':'paid','party':'hare','currency':'JPY'}" },
	{ "cycles", "{}" },
	{ "why", "{'deal':'den','rung':'paid'}" },
	{ "why", "{'deal':'den','payer':'wolf','rung':'committed','currency':'USD'}" },
	{ "why", "{'payer':'fox','to':'hare','rung':'committed'}" },
	{ "why", "{'to':'hare','rung':'paid'}" },
	{ "reconcile", "{}" },
	{ "reconcile", "{'party':'hare','currency':'EUR'}" },
	{ "reconcile", "{'deal':'den-one'}" },
	{ "anomalies", "{}" },
	{ "anomalies", "{'deal':'den','currency':'EUR'}" },
	{ "diff", "{'before':{'as_of':'2025-01-08'},'after':{}}" },
	{ "diff", "{'before':{'at_seq':20},'after':{},'deal':'den','currency':'EUR'}" },
	{ "search", "{'text':'wolf'}" },
	{ "search", "{'text':'den'}" },
	{ "parties", "{}" },
	{ "deals", "{}" },
	{ "deals", "{'clocks':{'as_of':'2025-01-15'},'after':'burrow','limit':2}" },
	{ "rates", "{'base':'EUR','quote':'JPY'}" },
};

#endif
