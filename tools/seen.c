/* SPDX-License-Identifier: Apache-2.0 */
/* seen: asks each service how it is. */
#include "tools/seen.h"

#include <unistd.h>

#include "services/shared/probe.h"

static const enum setting_name endpoints[SEEN_MAX] = { setting_ingest, setting_ledger,
						       setting_query };
const char *const seen_names[SEEN_MAX] = { "ingest", "ledger", "query" };

const char *seen_endpoint(const struct cli *c, enum seen_which which)
{
	return setting(&c->settings, endpoints[which]);
}

static void ask(struct cli *c, enum seen_which which, struct seen *seen)
{
	const struct status question = { 0 };
	enum err e;

	seen->asked = true;
	fault_init(&seen->fault);
	e = client_open(setting(&c->settings, endpoints[which]), &seen->client, &seen->fault);
	if (!e)
		e = client_ask(seen->client, &shape_status, &question, &shape_state_of_service,
			       &seen->state, cli_timeout_ms(c), &c->arena, &seen->fault);
	seen->up = e == ERR_OK;
}

/* Whether the ledger's socket is on this machine, so that asking it is no waiting. */
static bool ledger_is_here(const struct cli *c)
{
	const char *endpoint = setting(&c->settings, setting_ledger);

	return strncmp(endpoint, "ipc://", 6) == 0 && access(endpoint + 6, F_OK) == 0;
}

/* What ingest and query know of the ledger. */
static void see_through(const struct seen *from, struct seen *ledger)
{
	const struct state_of_service *s = &from->state;
	struct state_of_service *to = &ledger->state;

	if (!from->up || ledger->asked)
		return;
	ledger->up = ledger->up || s->upstream_ok;
	if (msg_has(s, state_of_service, ledger))
		msg_set(to, state_of_service, ledger, s->ledger);
	if (msg_has(s, state_of_service, epoch))
		msg_set(to, state_of_service, epoch, s->epoch);
	if (msg_has(s, state_of_service, upstream_head) && s->upstream_head >= to->head)
		msg_set(to, state_of_service, head, s->upstream_head);
}

void seen_one(struct cli *c, enum seen_which which, struct seen seen[SEEN_MAX])
{
	ask(c, which, &seen[which]);
}

void seen_all(struct cli *c, struct seen seen[SEEN_MAX])
{
	ask(c, seen_ingest, &seen[seen_ingest]);
	ask(c, seen_query, &seen[seen_query]);
	if (ledger_is_here(c))
		ask(c, seen_ledger, &seen[seen_ledger]);
	/* a socket that is left behind: what the others see counts */
	if (!seen[seen_ledger].up)
		seen[seen_ledger].asked = false;
	see_through(&seen[seen_ingest], &seen[seen_ledger]);
	see_through(&seen[seen_query], &seen[seen_ledger]);
}

int64_t seen_count(const struct seen *seen, const char *counter)
{
	const struct state_of_service *s = &seen->state;

	for (size_t i = 0; seen->up && i < s->counters.n; i++)
		if (str_eq(s->counters.v[i].name, str_of(counter)))
			return (int64_t)s->counters.v[i].value;
	return 0;
}

bool seen_listens(const struct cli *c, enum seen_which which)
{
	return probe_listens(seen_endpoint(c, which));
}

void seen_end(struct seen seen[SEEN_MAX])
{
	for (int i = 0; i < SEEN_MAX; i++)
		client_close(seen[i].client);
}
