/* SPDX-License-Identifier: Apache-2.0 */
/* demo: the sample deals, which are part of the program, for `avow up --demo`. */
#ifndef AVOW_TOOLS_DEMO_H
#define AVOW_TOOLS_DEMO_H

/*
 * The work of a thread beside the services: publish the sample deals through ingest, as any user
 * would (their ids are fixed, so that doing it again adds nothing), wait until query holds them, and
 * print on stdout what to try next. What goes wrong is said on stderr. `arg` is the struct cli, of
 * which only the settings are read; returns NULL.
 */
void *demo_thread(void *arg);

#endif
