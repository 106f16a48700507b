/* The table of tickwire serve-feed, and the checks that a table cannot make by itself. */
#include "tools/serve/serve_settings.h"

#include <inttypes.h>
#include <stddef.h>

#include "tools/serve/listen_address.h"
#include "tools/simulate/session.h"
#include "tools/simulate/session_name.h"

#define AT(field) offsetof(serve_settings, field)
static const setting table[] = {
    {"source", SETTING_TEXT, AT(source), "", "WHERE",
     "what to serve: file:PATH, a BinaryFILE recording, or pcap:PATH, MoldUDP64 in a capture; also packed", NULL, 0,
     0},
    {"simulate", SETTING_FLAG, AT(simulate), "false", NULL, "serve a simulated day instead of a recording", NULL, 0,
     0},
    {"seed", SETTING_COUNT, AT(seed), "1", "N", "of the simulated day", NULL, 0, 0},
    {"symbols", SETTING_COUNT, AT(symbols), "100", "N", "of the simulated day", NULL, 1, SIM_MAX_SYMBOLS},
    {"messages", SETTING_COUNT, AT(messages), "1M", "N", "of the simulated day, exactly", NULL, 1,
     INT64_C(1000000000)},
    {"to", SETTING_TEXT, AT(to), "", "WHERE", "line A: udp://GROUP:PORT[@INTERFACE]", NULL, 0, 0},
    {"to-b", SETTING_TEXT, AT(to_b), "", "WHERE", "line B; without it there is one line", NULL, 0, 0},
    {"requests", SETTING_TEXT, AT(requests), "", "ADDRESS:PORT",
     "where the request server hears; without it, none; port 0, here and below, takes a free one", NULL, 0, 0},
    {"soup", SETTING_TEXT, AT(soup), "", "ADDRESS:PORT", "where SoupBinTCP clients get the same messages over TCP",
     NULL, 0, 0},
    {"glimpse", SETTING_TEXT, AT(glimpse), "", "ADDRESS:PORT",
     "where SoupBinTCP clients get a GLIMPSE snapshot of the books at their login", NULL, 0, 0},
    {"user", SETTING_TEXT, AT(user), "", "NAME",
     "who may log in to both, at most six characters; without it, anyone", NULL, 0, 0},
    {"password", SETTING_TEXT, AT(password), "", "TEXT",
     "of --user, at most ten characters (in the environment nobody sees it in a list of processes)", NULL, 0, 0},
    {"max-clients", SETTING_COUNT, AT(max_clients), "64", "N",
     "clients at once of --soup and of --glimpse each; more are turned away", NULL, 1, 4096},
    {"client-stall", SETTING_DURATION, AT(client_stall_ns), "30s", "TIME",
     "a client that takes nothing for so long though there is something is cut off", NULL, 1000000,
     INT64_C(3600000000000)},
    {"max-instruments", SETTING_COUNT, AT(max_instruments), "16384", "N",
     "of the books behind --glimpse; beyond a limit snapshots are refused", NULL, 1, 65536},
    {"max-orders", SETTING_COUNT, AT(max_orders), "4M", "N", "resting at once; likewise", NULL, 1, 1 << 30},
    {"max-levels", SETTING_COUNT, AT(max_levels), "4M", "N", "price level slots over all books; likewise", NULL, 64,
     1 << 30},
    {"rate", SETTING_COUNT, AT(rate), "100k", "N", "messages a second", NULL, 1, 1000000000},
    {"pace", SETTING_TEXT, AT(pace), "", "SPEED",
     "instead of --rate by the source's time stamps: recorded, or a factor such as 4x; max: as fast as it goes",
     NULL, 0, 0},
    {"session", SETTING_TEXT, AT(session), "0000000001", "NAME",
     "of MoldUDP64 and SoupBinTCP, at most ten characters", NULL, 0, 0},
    {"heartbeat", SETTING_DURATION, AT(heartbeat_ns), "1s", "TIME",
     "a heartbeat is sent when nothing else was for so long", NULL, 1000000, INT64_C(3600000000000)},
    {"wait", SETTING_DURATION, AT(wait_ns), "0s", "TIME", "heartbeats only for so long before the first message",
     NULL, 0, INT64_C(86400000000000)},
    {"linger", SETTING_DURATION, AT(linger_ns), "2s", "TIME",
     "after the last message, how long the end is told, requests are answered and TCP clients may read on", NULL, 0,
     INT64_C(86400000000000)},
    {"mtu", SETTING_COUNT, AT(packet_bytes), "1400", "BYTES", "largest UDP payload", NULL, 72,
     SERVE_MAX_PACKET_BYTES},
    {"fault-seed", SETTING_COUNT, AT(fault_seed), "1", "N", "the same seed gives the same faults", NULL, 0, 0},
    {"soup-cut", SETTING_COUNT, AT(soup_cut), "0", "N",
     "every SoupBinTCP link that began before message N ends inside it, somewhere by --fault-seed; 0: none", NULL,
     0, 0},
    {"loss", SETTING_TEXT, AT(faults[FAULT_LOSS]), "", "CHANCE",
     "packets lost: 5%, or by line A:5%,B:1% (so with all faults)", NULL, 0, 0},
    {"burst-loss", SETTING_TEXT, AT(faults[FAULT_BURST_LOSS]), "", "CHANCE/N",
     "a burst of losses begins, N packets long on average: 0.1%/20", NULL, 0, 0},
    {"reorder", SETTING_TEXT, AT(faults[FAULT_REORDER]), "", "CHANCE/N", "moved back behind 1 to N packets: 2%/8",
     NULL, 0, 0},
    {"duplicate", SETTING_TEXT, AT(faults[FAULT_DUPLICATE]), "", "CHANCE", "sent twice: 1%", NULL, 0, 0},
    {"regroup", SETTING_TEXT, AT(faults[FAULT_REGROUP]), "", "N", "packets are cut anew into 1 to N messages", NULL,
     0, 0},
    {"corrupt", SETTING_TEXT, AT(faults[FAULT_CORRUPT]), "", "CHANCE", "1 to 4 bytes are changed: 0.1%", NULL, 0,
     0},
    {"silence", SETTING_TEXT, AT(faults[FAULT_SILENCE]), "", "EVERY/FOR",
     "the line is silent for so long, so far apart on average: 10s/500ms", NULL, 0, 0},
    {0}};

const settings_program serve_program = {
    .name = "tickwire serve-feed",
    .summary = "Serves a recording or a simulated day: MoldUDP64 A/B pair, request server, SoupBinTCP, GLIMPSE.",
    .usage = "(--source WHERE | --simulate) [--to WHERE] [--soup ADDRESS:PORT] [settings]",
    .environment = "TICKWIRE_SERVE_FEED",
    .epilogue =
        "Examples:\n"
        "  tickwire serve-feed --simulate --to udp://239.1.2.3:26400@lo --to-b udp://239.1.2.4:26400@lo \\\n"
        "      --requests 127.0.0.1:26500 --loss 5% --reorder 2%/8 --fault-seed 7\n"
        "  tickwire serve-feed --source file:01302020.NASDAQ_ITCH50.gz --pace recorded --to "
        "udp://239.1.2.3:26400@lo\n"
        "  tickwire serve-feed --simulate --soup 127.0.0.1:26600 --glimpse 127.0.0.1:26700 --user trader "
        "--password x\n"
        "  tickwire serve-feed --source pcap:capture.pcapng.zst --soup 127.0.0.1:0 --soup-cut 5000\n",
    .table = table,
};

static tw_code plan_line(const char *name, const char *text, serve_plan *plan, tw_error *error) {
    if (text[0] == '\0') return TW_OK;
    location *where = &plan->to[plan->line_count++];
    if (location_parse(text, where, error) != TW_OK) return tw_error_wrap(error, "--%s", name);
    if (where->kind == LOCATION_UDP) return TW_OK;
    return tw_error_set(error, TW_INVALID, "--%s: a line is udp://GROUP:PORT[@INTERFACE]", name);
}

static tw_code plan_address(const char *name, const char *text, bool *has, location *where, tw_error *error) {
    *has = text[0] != '\0';
    if (!*has || listen_address_parse(text, where, error) == TW_OK) return TW_OK;
    return tw_error_wrap(error, "--%s", name);
}

static tw_code plan_targets(const serve_settings *s, serve_plan *plan, tw_error *error) {
    if (s->to[0] == '\0' && s->to_b[0] != '\0')
        return tw_error_set(error, TW_INVALID, "--to-b is the second line; the first is --to");
    tw_code code = plan_line("to", s->to, plan, error);
    if (code == TW_OK) code = plan_line("to-b", s->to_b, plan, error);
    if (code == TW_OK) code = plan_address("requests", s->requests, &plan->has_requests, &plan->requests, error);
    if (code == TW_OK) code = plan_address("soup", s->soup, &plan->has_soup, &plan->soup, error);
    if (code == TW_OK) code = plan_address("glimpse", s->glimpse, &plan->has_glimpse, &plan->glimpse, error);
    if (code != TW_OK) return code;
    if (plan->line_count == 0 && !plan->has_soup)
        return tw_error_set(error, TW_INVALID,
                            "nobody is served: give --to udp://GROUP:PORT, --soup ADDRESS:PORT, or both");
    if (s->soup_cut > 0 && !plan->has_soup)
        return tw_error_set(error, TW_INVALID, "--soup-cut is about SoupBinTCP links: it needs --soup");
    plan->credentials = (soup_credentials){s->user, s->password};
    return soup_credentials_check(&plan->credentials, error);
}

static tw_code plan_faults(const serve_settings *s, serve_plan *plan, tw_error *error) {
    for (uint32_t i = 0; i < FAULT_LINES; i++) {
        plan->faults[i].payload_bytes = (uint32_t)s->packet_bytes;
        plan->faults[i].seed = s->fault_seed * FAULT_LINES + i; /* lines do not fail together */
    }
    for (int kind = 0; kind < FAULT_KINDS; kind++) {
        tw_code code = fault_text_parse((fault_kind)kind, s->faults[kind], plan->faults, error);
        if (code != TW_OK)
            return tw_error_wrap(error, "--%s",
                                 table[sizeof table / sizeof *table - 1 - FAULT_KINDS + (size_t)kind].name);
    }
    return TW_OK;
}

static tw_code plan_source(const serve_settings *s, serve_plan *plan, tw_error *error) {
    if (s->simulate == (s->source[0] != '\0'))
        return tw_error_set(error, TW_INVALID, "give either --source (file:PATH or pcap:PATH) or --simulate");
    if (s->simulate) {
        uint64_t fewest = sim_minimum_messages((uint32_t)s->symbols);
        if (s->messages >= fewest) return TW_OK;
        return tw_error_set(error, TW_INVALID, "--messages: a day of %" PRIu64 " symbols has at least %" PRIu64,
                            s->symbols, fewest);
    }
    if (location_parse(s->source, &plan->source, error) != TW_OK) return tw_error_wrap(error, "--source");
    if (plan->source.kind == LOCATION_FILE || plan->source.kind == LOCATION_PCAP) return TW_OK;
    return tw_error_set(error, TW_INVALID,
                        "--source is a recording, file:PATH (BinaryFILE) or pcap:PATH (MoldUDP64 in a capture)");
}

static tw_code plan_pace(const serve_settings *s, serve_plan *plan, tw_error *error) {
    plan->by_stamps = s->pace[0] != '\0';
    if (!plan->by_stamps || pace_parse(s->pace, &plan->pace)) return TW_OK;
    return tw_error_set(error, TW_INVALID, "--pace: \"%s\" is not recorded, max, or a factor such as 4x or 0.5x",
                        s->pace);
}

tw_code serve_plan_make(const serve_settings *s, serve_plan *plan, tw_error *error) {
    *plan = (serve_plan){0};
    tw_code code = plan_targets(s, plan, error);
    if (code == TW_OK) code = plan_faults(s, plan, error);
    if (code == TW_OK) code = plan_source(s, plan, error);
    if (code == TW_OK) code = plan_pace(s, plan, error);
    if (code == TW_OK && !sim_session_name_valid(s->session))
        code = tw_error_set(error, TW_INVALID, "--session '%s' is not one to ten characters without blanks",
                            s->session);
    return code;
}
