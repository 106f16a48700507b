/* Settings of the words of `tickwire journal`, and what all of them do with them. */
#include "tools/journal/options.h"
#include "tools/command.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define DEFAULT_EXCHANGE "TWEX"

/* clang-format off */
#define AT(field) offsetof(journal_settings, field)
#define SERVER                                                                                                     \
    {"url", SETTING_TEXT, AT(url), "nats://127.0.0.1:4222", "URL",                                                 \
     "the NATS server; several separated by commas", NULL, 0, 0},                                                  \
    {"credentials", SETTING_TEXT, AT(credentials), "", "FILE", "a NATS .creds file", NULL, 0, 0},                  \
    {"exchange", SETTING_TEXT, AT(exchange), "", "MIC",                                                            \
     "the venue; by default " DEFAULT_EXCHANGE ", or the export's", NULL, 0, 0},                                   \
    {"timeout", SETTING_DURATION, AT(timeout_ns), "10s", "TIME",                                                   \
     "a server that is silent for so long is given up", NULL, 100000000, 3600000000000}
#define PLACE                                                                                                      \
    SERVER,                                                                                                        \
    {"shard", SETTING_COUNT, AT(shard), "0", "N", "the shard; by default 1, or the export's", NULL, 0, UINT32_MAX},\
    {"file", SETTING_TEXT, AT(file), "", "FOLDER", "read an export instead of a server", NULL, 0, 0},              \
    {"to", SETTING_COUNT, AT(to), "0", "SEQ",                                                                      \
     "the last sequence of the order stream; 0 for all there is", NULL, 0, INT64_MAX}
#define JSON {"json", SETTING_FLAG, AT(json), "false", NULL, "JSON lines", NULL, 0, 0}
#define BEGINNING                                                                                                  \
    {"from", SETTING_TEXT, AT(from), "1", "1|snapshot|oldest",                                                     \
     "the beginning, or the newest or the oldest snapshot of the snapshots' stream", NULL, 0, 0}
/* The defaults are tickwire-matcher's. */
#define BOUNDS                                                                                                     \
    {"max-instruments", SETTING_COUNT, AT(max_instruments), "4096", "N", "the matcher's setting of this name", NULL, 1, 1 << 20}, \
    {"max-accounts", SETTING_COUNT, AT(max_accounts), "65536", "N", "likewise", NULL, 1, 1 << 20},                 \
    {"max-positions", SETTING_COUNT, AT(max_positions), "1Mi", "N", "likewise", NULL, 1, 1 << 24},                 \
    {"max-orders", SETTING_COUNT, AT(max_orders), "2Mi", "N", "likewise", NULL, 1, 1 << 24},                       \
    {"max-pages", SETTING_COUNT, AT(max_pages), "1Mi", "N", "likewise", NULL, 1, 1 << 24},                         \
    {"max-client-ids", SETTING_COUNT, AT(max_client_ids), "16Mi", "N", "likewise", NULL, 1, 1 << 28},              \
    {"max-sessions", SETTING_COUNT, AT(max_sessions), "16384", "N", "likewise", NULL, 1, 1 << 20},                 \
    {"max-reports", SETTING_COUNT, AT(max_reports), "1Mi", "N", "likewise", NULL, 4, 1 << 28}
#define END {.name = NULL}

static const setting list_table[] = {SERVER, JSON, END};
static const setting show_table[] = {
    PLACE,
    {"from", SETTING_TEXT, AT(from), "1", "SEQ", "the first sequence of the order stream", NULL, 0, 0},
    {"account", SETTING_TEXT, AT(account), "", "A", "only this account's commands and reports", NULL, 0, 0},
    {"symbol", SETTING_TEXT, AT(symbol), "", "S", "only this instrument's", NULL, 0, 0},
    {"order", SETTING_TEXT, AT(order), "", "ID", "only this order's: SHARD-SEQ-INDEX", NULL, 0, 0},
    {"correlation", SETTING_TEXT, AT(correlation), "", "ID", "only what carries this correlation id", NULL, 0, 0},
    JSON, END};
static const setting replay_table[] = {
    PLACE, BEGINNING,
    {"show", SETTING_COUNT, AT(show), "10", "N", "so many open orders and positions in the summary", NULL, 0, 1 << 24},
    JSON, BOUNDS, END};
static const setting verify_table[] = {
    PLACE, BEGINNING,
    {"complete", SETTING_FLAG, AT(complete), "false", NULL, "execlog that is behind the order stream is a fault", NULL, 0, 0},
    {"hash", SETTING_TEXT, AT(hash), "", "SEQ:HASH,...",
     "state hashes that somebody has seen on hash.{MIC}.{SHARD}: compared, too", NULL, 0, 0},
    JSON, BOUNDS, END};
static const setting export_table[] = {
    PLACE,
    {"out", SETTING_TEXT, AT(out), "", "FOLDER|FILE",
     "where to: a folder for the streams as they are; with --json a file of lines", NULL, 0, 0},
    {"from", SETTING_TEXT, AT(from), "1", "SEQ", "with --json: the first sequence", NULL, 0, 0},
    JSON, END};
static const setting trim_table[] = {
    SERVER,
    {"shard", SETTING_COUNT, AT(shard), "1", "N", "the shard", NULL, 1, UINT32_MAX},
    {"export", SETTING_TEXT, AT(exported), "", "FOLDER", "an export of all that goes: what it does not have stays", NULL, 0, 0},
    {"to", SETTING_COUNT, AT(to), "0", "SEQ",
     "the last input that goes; 0: as many as the export and the oldest snapshot allow", NULL, 0, INT64_MAX},
    {"yes", SETTING_FLAG, AT(yes), "false", NULL, "remove it; without, it is only said what would go", NULL, 0, 0},
    JSON, BOUNDS, END};
/* clang-format on */

const settings_program journal_list_program = {
    .name = "tickwire journal list",
    .summary = "The venue's shards: their streams, how far execlog is, which snapshots there are.",
    .usage = "[settings]",
    .environment = "TICKWIRE",
    .foreign = command_settings,
    .table = list_table};

const settings_program journal_show_program = {.name = "tickwire journal show",
                                               .summary = "Commands of the journal, each with what became of it.",
                                               .usage = "[settings]",
                                               .environment = "TICKWIRE",
                                               .foreign = command_settings,
                                               .epilogue = "Examples:\n"
                                                           "  tickwire journal show --account ann --symbol AAPL\n"
                                                           "  tickwire journal show --order 1-57-0 --json\n",
                                               .table = show_table};

const settings_program journal_replay_program = {
    .name = "tickwire journal replay",
    .summary = "Rebuilds a shard's state from its order stream and says what it is.",
    .usage = "[settings]",
    .environment = "TICKWIRE",
    .foreign = command_settings,
    .epilogue =
        "The bounds must be those that the matcher ran with: what it refused for lack of room depends on them.\n",
    .table = replay_table};

const settings_program journal_verify_program = {
    .name = "tickwire journal verify",
    .summary = "Replays the order stream and compares every message of execlog, byte for byte.",
    .usage = "[settings]",
    .environment = "TICKWIRE",
    .foreign = command_settings,
    .epilogue = "Exit codes: 0 all is right, 1 it is not, or it could not be read (the first difference is named), "
                "2 usage.\n"
                "The bounds must be those that the matcher ran with.\n",
    .table = verify_table};

const settings_program journal_export_program = {
    .name = "tickwire journal export",
    .summary = "Copies a shard's streams into files that show, replay and verify read with --file.",
    .usage = "--out FOLDER|FILE [settings]",
    .environment = "TICKWIRE",
    .foreign = command_settings,
    .table = export_table};

const settings_program journal_trim_program = {
    .name = "tickwire journal trim",
    .summary = "Removes the beginning of a shard's journal that was exported, up to the oldest snapshot at most.",
    .usage = "--export FOLDER [--to SEQ] [--yes] [settings]",
    .environment = "TICKWIRE",
    .foreign = command_settings,
    .epilogue =
        "What stays is verified from the oldest snapshot on, and what goes is compared with the export, before "
        "anything is removed.\n"
        "The bounds must be those that the matcher ran with.\n",
    .table = trim_table};

int journal_say(const tw_error *error) {
    fprintf(stderr, "tickwire journal: %s\n", error->text);
    return JOURNAL_EXIT_FAULT;
}

journal *journal_open_or_say(const journal_settings *asked) {
    tw_error error = {0};
    journal *opened = NULL;
    bool export = asked->file != NULL && asked->file[0] != '\0';
    bool named = asked->exchange[0] != '\0';
    journal_options options = {.url = asked->url,
                               .credentials = asked->credentials[0] != '\0' ? asked->credentials : NULL,
                               .folder = export ? asked->file : NULL,
                               .exchange = named ? asked->exchange : DEFAULT_EXCHANGE,
                               .shard = asked->shard != 0 ? (uint32_t)asked->shard : 1,
                               .timeout_ns = asked->timeout_ns};
    if (journal_open(&opened, &options, &error) != TW_OK) {
        journal_say(&error);
        return NULL;
    }
    bool other_exchange = named && strcmp(asked->exchange, journal_exchange(opened)) != 0;
    bool other_shard = asked->shard != 0 && asked->shard != journal_shard(opened);
    if (!other_exchange && !other_shard) return opened;
    tw_error_set(&error, TW_INVALID, "%s is of %s shard %" PRIu32, asked->file, journal_exchange(opened),
                 journal_shard(opened));
    journal_say(&error);
    journal_close(opened);
    return NULL;
}

static tw_code check_stream(journal *held, const journal_info *info, tw_error *error) {
    if (info->deleted > 0)
        return tw_error_set(error, TW_MALFORMED,
                            "%s has holes: %" PRIu64 " messages between %" PRIu64 " and %" PRIu64 " were deleted",
                            journal_name(held, JOURNAL_ORDERS), info->deleted, info->first_seq, info->last_seq);
    return TW_OK;
}

tw_code journal_range(journal *held, const journal_settings *asked, uint64_t *first, uint64_t *last,
                      bool *from_snapshot, tw_error *error) {
    journal_info info;
    uint64_t from = 1;
    *from_snapshot = strcmp(asked->from, JOURNAL_FROM_NEWEST) == 0 || strcmp(asked->from, JOURNAL_FROM_OLDEST) == 0;
    if (!*from_snapshot && (!tw_text_to_u64(asked->from, &from) || from == 0))
        return tw_error_set(error, TW_INVALID, "--from \"%s\" is no sequence: they begin at 1", asked->from);
    tw_code code = journal_look(held, JOURNAL_ORDERS, &info, error);
    if (code == TW_OK) code = check_stream(held, &info, error);
    if (code != TW_OK) return code;
    if (!*from_snapshot && info.first_seq > from && info.messages > 0)
        return tw_error_set(error, TW_MALFORMED,
                            "%s begins at %" PRIu64
                            ": what came before is not there (it was trimmed, and an export "
                            "has it, or somebody purged it)",
                            journal_name(held, JOURNAL_ORDERS), info.first_seq);
    if (from > 1 && from > info.last_seq)
        return tw_error_set(error, TW_NOT_FOUND, "--from %" PRIu64 ": %s ends at %" PRIu64, from,
                            journal_name(held, JOURNAL_ORDERS), info.last_seq);
    if (asked->to > info.last_seq)
        return tw_error_set(error, TW_NOT_FOUND, "--to %" PRIu64 ": %s ends at %" PRIu64, asked->to,
                            journal_name(held, JOURNAL_ORDERS), info.last_seq);
    *first = from;
    *last = asked->to != 0 ? asked->to : info.last_seq;
    if (*last < from) *last = from - 1;
    return TW_OK;
}

tw_code journal_replica(const journal_settings *s, const journal *held, mr_replica **replica, tw_error *error) {
    const mr_options options = {.exchange = journal_exchange(held),
                                .recent_bytes = 1, /* nobody asks for them */
                                .bounds = {.shard = journal_shard(held),
                                           .max_instruments = (uint32_t)s->max_instruments,
                                           .max_accounts = (uint32_t)s->max_accounts,
                                           .max_positions = (uint32_t)s->max_positions,
                                           .max_orders = (uint32_t)s->max_orders,
                                           .max_pages = (uint32_t)s->max_pages,
                                           .max_client_ids = (uint32_t)s->max_client_ids,
                                           .max_sessions = (uint32_t)s->max_sessions,
                                           .max_reports = (uint32_t)s->max_reports}};
    return mr_alloc(replica, &options, error);
}
