/* Ctrl-C and kill as a question to ask: a command looks at it between two slices of work and ends cleanly. */
#ifndef TICKWIRE_TOOLS_INTERRUPT_H
#define TICKWIRE_TOOLS_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP only make interrupt_wanted true; SIGPIPE is passed over (writes fail). */
void interrupt_watch(void);
bool interrupt_wanted(void);
/* The wish is being followed: what is under way can still be waited for. Another one ends that, too. */
void interrupt_heard(void);
/* True once after the terminal's size changed. */
bool interrupt_resized(void);

#endif
