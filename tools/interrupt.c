/* SPDX-License-Identifier: Apache-2.0 */
/* interrupt: Ctrl-C and SIGTERM as something to ask for, between two steps of a command. */
#include <signal.h>

#include "tools/cmd.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

bool cli_interrupted(void)
{
	return interrupted != 0;
}

void cli_catch_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	(void)sigemptyset(&act.sa_mask);
	(void)sigaction(SIGINT, &act, NULL);
	(void)sigaction(SIGTERM, &act, NULL);
	/* a closed pipe is an error of write */
	(void)signal(SIGPIPE, SIG_IGN);
}
