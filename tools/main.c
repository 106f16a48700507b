/* `tickwire COMMAND …`: finds the command and hands over. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "tools/command.h"

typedef struct command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
    {"tap", "prints messages as they come, or verifies books, chains and checksums", command_tap},
    {"top", "live view: instruments by activity, best prices, latency", command_top},
    {"book", "builds a book from a recording, without a server", command_book},
    {"simulate",
     "makes a synthetic ITCH 5.0 session, to a file or as packets; --orders: a crowd that trades on the venue",
     command_simulate},
    {"venue", "sets the venue up and runs it: instruments, accounts, limits, days, states, kill switch",
     command_venue},
    {"order", "sends an order to the venue and shows what becomes of it; cancels, replaces", command_order},
    {"orders", "an account's open orders", command_orders},
    {"positions", "what an account holds, and at what price", command_positions},
    {"executions", "what became of an account's orders lately", command_executions},
    {"serve-feed", "serves a feed on two lines with a request server, and faults by seed", command_serve_feed},
    {"journal", "the venue's order journal: list, show, replay, verify, export, trim", command_journal},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static int help(FILE *to) {
    fprintf(to, "usage: tickwire COMMAND ...\n\n");
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].summary);
    fprintf(to, "\n`tickwire COMMAND --help` lists a command's settings, `tickwire --version` the version.\n");
    return to == stdout ? 0 : 2;
}

static int unknown(const char *word) {
    const size_t limit = 4;
    size_t best = limit;
    const char *nearest = NULL;
    for (size_t i = 0; i < COMMANDS; i++) {
        size_t distance = tw_text_distance(word, commands[i].name, limit);
        if (distance < best) {
            best = distance;
            nearest = commands[i].name;
        }
    }
    fprintf(stderr, "tickwire: there is no command \"%s\"", word);
    if (nearest != NULL) fprintf(stderr, ": did you mean \"%s\"?", nearest);
    fprintf(stderr, "\nTry `tickwire --help`.\n");
    return 2;
}

int main(int argc, char **argv) {
    if (argc < 2) return help(stderr);
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) return help(stdout);
    if (strcmp(word, "--version") == 0) {
        printf("tickwire %s\n", TICKWIRE_VERSION);
        return 0;
    }
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(word, commands[i].name) == 0) return commands[i].run(argc - 1, argv + 1);
    return unknown(word);
}
