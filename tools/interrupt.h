/* Ctrl-C and kill as a question to ask: a command looks at it between two slices of work and ends cleanly. */
#ifndef TICKWIRE_TOOLS_INTERRUPT_H
#define TICKWIRE_TOOLS_INTERRUPT_H

#include <stdbool.h>

/* From now on SIGINT, SIGTERM and SIGHUP only make interrupt_wanted true; SIGPIPE is passed over (writes fail). */
void interrupt_watch(void);
bool interrupt_wanted(void);
/* True once after the terminal's size changed. */
bool interrupt_resized(void);

#endif
