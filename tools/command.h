/* The words after `tickwire`: one function each. argv[0] is the word itself; the result is the exit code. */
#ifndef TICKWIRE_TOOLS_COMMAND_H
#define TICKWIRE_TOOLS_COMMAND_H

int command_simulate(int argc, char **argv);
int command_serve_feed(int argc, char **argv);
int command_book(int argc, char **argv);
int command_tap(int argc, char **argv);
int command_top(int argc, char **argv);
int command_venue(int argc, char **argv);
int command_order(int argc, char **argv);
int command_orders(int argc, char **argv);
int command_positions(int argc, char **argv);
int command_executions(int argc, char **argv);
int command_simulate_orders(int argc, char **argv); /* simulate --orders */
int command_journal(int argc, char **argv);

/* The settings of all those whose variables begin with TICKWIRE_, NULL at the end: for settings_program.foreign. */
extern const char *const command_settings[];

#endif
