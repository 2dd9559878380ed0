/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fragile: preloaded into a service, it plants the mistakes that the hostile client of P15 must catch.
 *
 * AVOW_FRAGILE says what a message does that begins with 0xc1, the byte that begins nothing in
 * MessagePack: die (the process aborts), hang (it never comes back), mute (there is no answer), slow
 * (it costs 30 ms of CPU). The product itself holds no code for tests.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NEVER 0xc1
#define SLOW_NS 30000000

/* ZeroMQ's functions, as far as they are needed; its header belongs to the services */
int zmq_msg_recv(void *msg, void *socket, int flags);
void *zmq_msg_data(void *msg);
size_t zmq_msg_size(const void *msg);

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool is(const char *name)
{
	const char *planted = getenv("AVOW_FRAGILE");

	return planted && strcmp(planted, name) == 0;
}

static void burn(void)
{
	struct timespec begun, at;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
	do
		(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
	while ((at.tv_sec - begun.tv_sec) * 1000000000L + at.tv_nsec - begun.tv_nsec < SLOW_NS);
}

int zmq_msg_recv(void *msg, void *socket, int flags)
{
	const int n = NEXT(zmq_msg_recv)(msg, socket, flags);

	if (n <= 0 || zmq_msg_size(msg) == 0 || *(unsigned char *)zmq_msg_data(msg) != NEVER)
		return n;
	if (is("die"))
		abort();
	if (is("hang"))
		for (;;)
			(void)pause();
	if (is("slow"))
		burn();
	if (is("mute")) {
		errno = EAGAIN;
		return -1;
	}
	return n;
}
