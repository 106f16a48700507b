/* Names, prices and listing attributes of a simulated day; see symbols.h. */
#include "tools/simulate/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tools/simulate/draw.h"

/* The names a visitor would try first, the most active ones; their prices are made up like all others. */
static const char *const familiar[] = {"AAPL", "NVDA", "MSFT",  "TSLA", "AMZN", "META", "GOOGL", "AMD",
                                       "INTC", "SPY",  "QQQ",   "NFLX", "CSCO", "MU",   "BRK.B", "GOOG",
                                       "F",    "T",    "BAC-Q", "IWM",  "C",    "JPM",  "COST",  "BF.B"};
static const char *const tests[] = {"ZVZZT", "ZWZZT", "ZXZZT"};

#define COUNT_OF(table) (sizeof(table) / sizeof *(table))
#define NAME_SLOTS      32768u /* at least three times SIM_MAX_SYMBOLS: short probes */

static uint64_t name_code(const char *name) {
    uint64_t code = 0;
    for (size_t i = 0; i < 8 && name[i] != '\0'; i++)
        code = code << 8 | (uint8_t)name[i];
    return code;
}

/* Adds a name to the set; false if it is there already. 0 marks an empty slot, and no name has code 0. */
static bool name_claim(uint64_t *set, const char *name) {
    uint64_t code = name_code(name);
    for (uint32_t slot = (uint32_t)((code * UINT64_C(0x9E3779B97F4A7C15)) >> 49);; slot = (slot + 1) % NAME_SLOTS) {
        if (set[slot] == code) return false;
        if (set[slot] == 0) {
            set[slot] = code;
            return true;
        }
    }
}

/* One to five letters; one in 32 with a suffix as ITCH writes classes, preferred stock, units, warrants, rights
 * and when-issued shares. */
static void name_draw(char name[ITCH50_STOCK_BYTES], tw_random *random) {
    static const uint8_t lengths[16] = {2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 5, 5};
    static const char *const suffixes[] = {".A", ".B", "-", "-A", "-C", "=", "+", "#", "^", ".W", "-D", "+A"};
    uint32_t length = draw_below(random, 64) == 0 ? 1 : lengths[draw_below(random, 16)];
    bool suffix = draw_below(random, 32) == 0;
    if (suffix && length > 4) length = 4;
    for (uint32_t i = 0; i < length; i++)
        name[i] = (char)('A' + draw_below(random, 26));
    name[length] = '\0';
    if (suffix)
        tw_text_copy(name + length, ITCH50_STOCK_BYTES - length, suffixes[draw_below(random, COUNT_OF(suffixes))]);
}

static void name_choose(sim_symbol *symbol, uint32_t index, uint32_t count, uint64_t *set, tw_random *random) {
    bool test = count >= 50 && index >= count - COUNT_OF(tests);
    symbol->test = test;
    if (test)
        tw_text_copy(symbol->stock, sizeof symbol->stock, tests[index - (count - COUNT_OF(tests))]);
    else if (index < COUNT_OF(familiar))
        tw_text_copy(symbol->stock, sizeof symbol->stock, familiar[index]);
    else
        name_draw(symbol->stock, random);
    while (!name_claim(set, symbol->stock))
        name_draw(symbol->stock, random);
}

/* From pennies to thousands of dollars, most between 8 and 256: a power of two, spread. */
static uint32_t price_draw(tw_random *random) {
    static const uint8_t doublings[16] = {0, 2, 3, 4, 4, 5, 5, 5, 5, 6, 6, 6, 7, 7, 8, 10};
    uint32_t dollars_16ths = 8u << doublings[draw_below(random, 16)];
    uint32_t price = (dollars_16ths + draw_below(random, dollars_16ths)) * 625u;
    return price + draw_below(random, 625);
}

static void trading_attributes(sim_symbol *symbol, uint32_t rank, tw_random *random) {
    uint32_t price = price_draw(random);
    symbol->tick = price >= 10000 ? 100 : 1;
    symbol->reference = price - price % symbol->tick;
    symbol->fair_256ths = (int64_t)(symbol->reference / symbol->tick) * 256;
    uint32_t wider = rank < 16 ? 0 : draw_below(random, 4) + rank / 1500;
    symbol->spread_ticks = (uint16_t)(1 + wider + price / 1000000);
    symbol->volatility = (uint16_t)(12 + draw_below(random, 24));
    symbol->lot = price >= 10000000 ? 10 : 100;
    symbol->state = 'T';
    symbol->sho = draw_below(random, 64) == 0 ? '2' : '0';
}

static void locates_shuffle(sim_symbol *symbols, uint32_t count, tw_random *random) {
    for (uint32_t i = 0; i < count; i++)
        symbols[i].locate = (uint16_t)(i + 1);
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t other = draw_below(random, i + 1);
        uint16_t locate = symbols[i].locate;
        symbols[i].locate = symbols[other].locate;
        symbols[other].locate = locate;
    }
}

bool sim_symbols_make(sim_symbol *symbols, uint32_t count, tw_random *random) {
    uint64_t *set = calloc(NAME_SLOTS, sizeof *set);
    if (set == NULL) return false;
    memset(symbols, 0, count * sizeof *symbols);
    for (uint32_t i = 0; i < count; i++) {
        name_choose(&symbols[i], i, count, set, random);
        trading_attributes(&symbols[i], i, random);
    }
    locates_shuffle(symbols, count, random);
    free(set);
    return true;
}

void sim_symbol_directory(const sim_symbol *symbol, bool ipo, uint64_t bits, itch50_message *message) {
    bool fund = (bits & 7) == 0 && !ipo;
    memcpy(message->u.directory.stock, symbol->stock, sizeof symbol->stock);
    message->u.directory.market_category = "QQGGSSNNAPZV"[draw_scale((uint32_t)(bits >> 32), 12)];
    message->u.directory.financial_status = (bits >> 8 & 63) == 0 ? 'D' : 'N';
    message->u.directory.round_lot = symbol->lot;
    message->u.directory.round_lots_only = 'N';
    message->u.directory.classification = fund ? 'Q' : 'C';
    memcpy(message->u.directory.sub_type, fund ? "E " : "Z ", 3);
    message->u.directory.authenticity = symbol->test ? 'T' : 'P';
    message->u.directory.short_sale_threshold = (bits >> 16 & 63) == 0 ? 'Y' : 'N';
    message->u.directory.ipo_flag = ipo ? 'Y' : 'N';
    message->u.directory.luld_tier = (bits >> 24 & 3) == 0 ? '1' : '2';
    message->u.directory.etp_flag = fund ? 'Y' : 'N';
    message->u.directory.etp_leverage = fund && (bits >> 26 & 7) == 0 ? 2 : 0;
    message->u.directory.inverse = fund && (bits >> 29 & 7) == 0 ? 'Y' : 'N';
}

/* Vose's alias method in integers: each slot keeps its own share of 2^32 and lends the rest. */
static bool alias_build(sim_zipf *zipf) {
    uint32_t count = zipf->count, small = 0, large = 0;
    uint64_t *share = calloc(count, sizeof *share); /* times count, of weight_sum */
    uint16_t *stack = calloc(2 * (size_t)count, sizeof *stack);
    if (share == NULL || stack == NULL) {
        free(share);
        free(stack);
        return false;
    }
    uint16_t *smalls = stack, *larges = stack + count;
    for (uint32_t i = 0; i < count; i++) {
        share[i] = zipf->weight[i] * count;
        zipf->threshold[i] = UINT32_MAX;
        zipf->alias[i] = (uint16_t)i;
        if (share[i] < zipf->weight_sum)
            smalls[small++] = (uint16_t)i;
        else
            larges[large++] = (uint16_t)i;
    }
    while (small > 0 && large > 0) {
        uint16_t poor = smalls[--small], rich = larges[large - 1];
        zipf->threshold[poor] = (uint32_t)((share[poor] << 20) / zipf->weight_sum << 12);
        zipf->alias[poor] = rich;
        share[rich] -= zipf->weight_sum - share[poor];
        if (share[rich] < zipf->weight_sum) {
            large--;
            smalls[small++] = rich;
        }
    }
    free(share);
    free(stack);
    return true;
}

bool sim_zipf_init(sim_zipf *zipf, uint32_t count) {
    *zipf = (sim_zipf){.count = count};
    zipf->threshold = malloc(count * sizeof *zipf->threshold);
    zipf->alias = malloc(count * sizeof *zipf->alias);
    zipf->weight = calloc(count, sizeof *zipf->weight);
    bool whole = zipf->threshold != NULL && zipf->alias != NULL && zipf->weight != NULL;
    for (uint32_t i = 0; whole && i < count; i++) {
        zipf->weight[i] = (UINT64_C(1) << 24) / (i + 1);
        zipf->weight_sum += zipf->weight[i];
    }
    if (whole && alias_build(zipf)) return true;
    sim_zipf_fini(zipf);
    return false;
}

void sim_zipf_fini(sim_zipf *zipf) {
    free(zipf->threshold);
    free(zipf->alias);
    free(zipf->weight);
    *zipf = (sim_zipf){0};
}

uint32_t sim_zipf_draw(const sim_zipf *zipf, uint64_t bits) {
    uint32_t slot = draw_scale((uint32_t)bits, zipf->count);
    return (uint32_t)(bits >> 32) <= zipf->threshold[slot] ? slot : zipf->alias[slot];
}
