/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model: what was published and what was seen, kept by those who publish and ask; the judge of a run.
 *
 * It knows the protocol and nothing of the services. Of the ledger it reads only the log at the end,
 * as anybody could.
 */
#ifndef AVOW_TESTS_SIM_MODEL_H
#define AVOW_TESTS_SIM_MODEL_H

#include "store/record.h"

#define MODEL_MADE_MAX 1024
#define MODEL_PLANS_MAX 256
#define MODEL_SLOTS_MAX 8
#define MODEL_ANSWERS_MAX 512
#define MODEL_DEALS 5
#define MODEL_PARTIES 5

struct world;
struct node;

/* An event that a publisher made. */
struct made {
	struct id id;
	struct str bytes; /* owned by the model */
	int kind;
	int deal, from, to;  /* -1: none, or none that watchers ask for */
	int target;	     /* retract: which event it withdraws, in model->made; -1: none */
	bool acked;
	struct record rec; /* as acknowledged: seq, recorded, leaf */
};

/* What shall become of one event of a publish. */
enum lot {
	lot_written,
	lot_bad_form,	  /* ingest refuses it: no source */
	lot_bad_ref,	  /* the ledger refuses it: NO_SUCH_REF */
	lot_conflict	  /* its id is taken by other content */
};
struct slot_made {
	unsigned made; /* in model->made */
	enum lot lot;
	bool old; /* it was acknowledged before */
	struct str bytes; /* what is sent: of the event itself, or owned by the model (lot_conflict) */
};

/* One publish. */
struct plan {
	unsigned publisher;
	struct slot_made slots[MODEL_SLOTS_MAX];
	size_t n;
	bool partial, expects, wrong_revision; /* expects: `deal` to be at `revision` */
	char deal[24];
	uint64_t revision, actual; /* actual: its true one, where the one expected is wrong */
	bool once;		  /* all its events are new, each there once */
	bool doubt;		  /* an attempt may have been executed without our hearing of it */
	bool acked, refused, repeated;
	int64_t sent_us, acked_us; /* first time of either */
	struct buf receipt;	   /* its first answer as `exists`, to be compared with later ones */
};

/* What was answered to a question at a seq, by whoever answered it first. */
struct known_answer {
	uint64_t question, hash;
	size_t n;
};

struct model {
	struct made made[MODEL_MADE_MAX];
	size_t nmade;
	struct plan plans[MODEL_PLANS_MAX];
	size_t nplans;
	struct plan *last_expected; /* the last that found its deal at the expected revision; NULL */
	uint64_t nacked, head; /* events that were acknowledged, and the greatest of their seqs */
	uint64_t nflips;
	struct known_answer answers[MODEL_ANSWERS_MAX];
	size_t nanswers;
	struct arena arena; /* of one message */
};

void model_init(struct model *m);
void model_fini(struct model *m);
/* The next publish of a publisher, in m->plans; everything in it is new, or was acknowledged. */
struct plan *model_plan(struct world *w, unsigned publisher);
/* The `publish` of a plan, in m->arena. */
struct publish model_publish(struct model *m, const struct plan *p);
/* What an answer means for the plan. */
enum verdict { verdict_done, verdict_again };
enum verdict model_answered(struct world *w, struct plan *p, const struct head *head, struct str wire);
/* Something that a query put on its tape. */
void model_tape(struct world *w, struct node *n, struct str wire);
/* A figure at a seq: whoever is asked must answer with the same bytes. */
void model_figure(struct world *w, const struct node *n, uint64_t question, struct str wire);
/*
 * That a query names this head, which must be durable. `wipes` is how often it had been wiped when it was
 * asked: what it told before it was is no promise of what it holds now.
 */
void model_head(struct world *w, struct node *n, uint64_t head, unsigned wipes);
/* The final log against everything. */
void model_judge(struct world *w, const struct record_list *log);

/* Slugs of deal and party number i. */
void model_deal(unsigned i, char out[24]);
void model_party(unsigned i, char out[24]);
uint64_t model_hash(struct str bytes);

#endif
