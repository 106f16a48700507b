/*
 * Secrets in texts that are shown: who we are, and by what password, in URLs (of NATS even the user may be a token).
 */
#ifndef TICKWIRE_BASE_SECRET_H
#define TICKWIRE_BASE_SECRET_H

#include <stddef.h>

/* Writes "*" over USER:PASSWORD in SCHEME://USER:PASSWORD@HOST..., as far as the last "@": of a list of URLs everything
 * between. Other texts stay as they are. For a process's own command line, which `ps` shows, and for errors that repeat
 * a word. */
void tw_secret_hide(char *text);

/* `urls`, one or several separated by commas, without USER:PASSWORD@; cut if it does not fit. For logs. */
void tw_secret_strip(const char *urls, char *target, size_t capacity);

#endif
