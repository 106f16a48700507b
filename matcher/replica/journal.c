/*
 * Where execlog stands, and where this replica stands beside it.
 *
 *   place ───> claims (found, not compared: their inputs are to come) ───> ahead
 *   given: the part behind `place` that the leader is writing; only while there are no claims
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "matcher/replica/replica_internal.h"
#include "orderbook/pages.h"

#define CLAIMS 4096u

bool journal_init(mr_replica *self, const mr_options *options) {
    const mx_bounds *bounds = &options->bounds;
    self->claim_capacity = options->found != 0 ? options->found : CLAIMS;
    self->claims = calloc(self->claim_capacity, sizeof *self->claims);
    self->named_instruments = ob_pages_alloc(bounds->max_instruments * sizeof *self->named_instruments);
    self->named_exponents = ob_pages_alloc(bounds->max_instruments * sizeof *self->named_exponents);
    self->named_accounts = ob_pages_alloc(bounds->max_accounts * sizeof *self->named_accounts);
    self->part_bytes = malloc(WIRE_EXECUTION_BYTES);
    self->trial = malloc(WIRE_EXECUTION_BYTES);
    return self->claims != NULL && self->named_instruments != NULL && self->named_exponents != NULL &&
           self->named_accounts != NULL && self->part_bytes != NULL && self->trial != NULL;
}

void journal_fini(mr_replica *self) {
    const mx_bounds *bounds = &self->bounds;
    free(self->claims);
    free(self->part_bytes);
    free(self->trial);
    ob_pages_free(self->named_instruments, bounds->max_instruments * sizeof *self->named_instruments);
    ob_pages_free(self->named_exponents, bounds->max_instruments * sizeof *self->named_exponents);
    ob_pages_free(self->named_accounts, bounds->max_accounts * sizeof *self->named_accounts);
}

void journal_clear(mr_replica *self) {
    self->place = self->ahead = (journal_place){0};
    self->given = (mr_part){0};
    self->claim_first = self->claim_count = 0;
}

/* Behind one part of a range. */
static void place_move(journal_place *place, const journal_claim *part) {
    if (part->part == part->parts)
        *place = (journal_place){.journaled = part->last_seq};
    else
        *place = (journal_place){.journaled = place->journaled,
                                 .first_seq = part->first_seq,
                                 .last_seq = part->last_seq,
                                 .part = part->part + 1,
                                 .parts = part->parts};
}

static void moved(mr_replica *self, const journal_claim *part, const cut *by) {
    shelf_pass(&self->records, by->end, by->bytes, by->count);
    place_move(&self->place, part);
    if (self->claim_count == 0) self->ahead = self->place;
}

/* ---- writing ---- */

/* How many parts the rest of an input's records make, the first of which has been cut. */
static uint32_t count_parts(mr_replica *self, const cut *first, uint64_t last_seq) {
    wire_parts parts;
    uint32_t count = 1;
    for (cut at = *first; at.full; count++)
        at = cut_part(self, &parts, self->trial, at.end, last_seq, false);
    return count;
}

/* A range of its own: as many whole inputs as fit, or one that does not. */
static void begin_range(mr_replica *self, wire_parts *parts, journal_claim *range) {
    const journal_place *place = &self->place;
    self->given_cut = cut_part(self, parts, self->part_bytes, self->records.mark, self->seq, true);
    *range = (journal_claim){.first_seq = place->journaled + 1,
                             .last_seq = self->given_cut.last_seq,
                             .part = 1,
                             .parts = count_parts(self, &self->given_cut, self->given_cut.last_seq)};
}

static void go_on_with_range(mr_replica *self, wire_parts *parts, journal_claim *range) {
    const journal_place *place = &self->place;
    *range = (journal_claim){
        .first_seq = place->first_seq, .last_seq = place->last_seq, .part = place->part, .parts = place->parts};
    self->given_cut = cut_part(self, parts, self->part_bytes, self->records.mark, place->last_seq, false);
}

bool mr_journal_next(mr_replica *self, mr_part *part) {
    wire_parts parts;
    journal_claim range;
    bool open = self->place.parts != 0;
    if (self->fault[0] != '\0' || self->claim_count > 0) return false;
    if (!open && self->place.journaled == self->seq) return false;
    if (self->given.parts == 0) {
        if (open)
            go_on_with_range(self, &parts, &range);
        else
            begin_range(self, &parts, &range);
        self->given = (mr_part){
            .first_seq = range.first_seq, .last_seq = range.last_seq, .part = range.part, .parts = range.parts};
        self->given.bytes = cut_finish(self, &parts, &range, &self->given.length);
    }
    *part = self->given;
    return true;
}

void mr_journal_stored(mr_replica *self) {
    const mr_part *given = &self->given;
    if (self->fault[0] != '\0') return;
    TW_ASSERT(given->parts != 0);
    const journal_claim range = {
        .first_seq = given->first_seq, .last_seq = given->last_seq, .part = given->part, .parts = given->parts};
    moved(self, &range, &self->given_cut);
    self->given = (mr_part){0};
}

void mr_backlog_drop(mr_replica *self) {
    TW_ASSERT(self->claim_count == 0);
    records_drop(self);
    self->given = (mr_part){0};
    self->place = self->ahead = (journal_place){.journaled = self->seq};
}

/* ---- reading ---- */

static void differs(mr_replica *self, const journal_claim *found, const char *how) {
    replica_fault(self,
                  "execlog and this replica differ in inputs %" PRIu64 " to %" PRIu64 ", part %" PRIu32
                  " of %" PRIu32 ": %s",
                  found->first_seq, found->last_seq, found->part, found->parts, how);
}

/* All inputs of the claim have been taken. */
static bool compare(mr_replica *self, const journal_claim *found) {
    wire_parts parts;
    size_t length = 0;
    cut own = cut_part(self, &parts, self->trial, self->records.mark, found->last_seq, false);
    const uint8_t *bytes = cut_finish(self, &parts, found, &length);
    if (own.full != (found->part < found->parts))
        differs(self, found, own.full ? "more reports are made here" : "fewer reports are made here");
    else if (length != found->length || cut_hash(bytes, length) != found->hash)
        differs(self, found, "the reports made here are others");
    if (self->fault[0] != '\0') return false;
    self->given = (mr_part){0};
    moved(self, found, &own);
    return true;
}

void journal_settle(mr_replica *self) {
    while (self->claim_count > 0) {
        const journal_claim *first = &self->claims[self->claim_first];
        if (first->last_seq > self->seq || !compare(self, first)) return;
        self->claim_first = (self->claim_first + 1) % self->claim_capacity;
        if (--self->claim_count == 0) self->ahead = self->place;
    }
}

/* Nothing behind `ahead`. */
static bool is_known(const journal_place *ahead, const journal_claim *found) {
    if (found->last_seq <= ahead->journaled) return true;
    return ahead->parts != 0 && found->first_seq == ahead->first_seq && found->last_seq == ahead->last_seq &&
           found->parts == ahead->parts && found->part < ahead->part;
}

static bool follows(const journal_place *ahead, const journal_claim *found) {
    if (found->part < 1 || found->part > found->parts || found->last_seq < found->first_seq) return false;
    if (ahead->parts == 0) return found->first_seq == ahead->journaled + 1 && found->part == 1;
    return found->first_seq == ahead->first_seq && found->last_seq == ahead->last_seq &&
           found->parts == ahead->parts && found->part == ahead->part;
}

static bool read_claim(mr_replica *self, const uint8_t *bytes, size_t length, journal_claim *found) {
    wire_executions batch;
    if (wire_executions_open(&batch, bytes, length) != WIRE_OK) {
        replica_fault(self, "a message of execlog behind input %" PRIu64 " can't be read: no ExecutionBatch",
                      self->ahead.journaled);
        return false;
    }
    const wire_execution_header *header = &batch.header;
    if (strcmp(header->exchange, self->exchange) != 0 || header->shard != self->shard) {
        replica_fault(self, "execlog has a message of %s shard %" PRIu32 ": this is %s shard %" PRIu32,
                      header->exchange, header->shard, self->exchange, self->shard);
        return false;
    }
    *found = (journal_claim){.first_seq = header->first_seq,
                             .last_seq = header->last_seq,
                             .part = header->part,
                             .parts = header->parts,
                             .length = length};
    return true;
}

mr_found mr_journal_found(mr_replica *self, const uint8_t *bytes, size_t length) {
    journal_claim found;
    if (self->fault[0] != '\0' || !read_claim(self, bytes, length, &found)) return MR_FOUND_FAULT;
    if (is_known(&self->ahead, &found)) return MR_FOUND_KNOWN;
    if (self->claim_count == self->claim_capacity) return MR_FOUND_FULL;
    if (!follows(&self->ahead, &found)) {
        differs(self, &found, "it does not follow what was there before");
        return MR_FOUND_FAULT;
    }
    found.hash = cut_hash(bytes, length);
    self->claims[(self->claim_first + self->claim_count++) % self->claim_capacity] = found;
    place_move(&self->ahead, &found);
    self->given = (mr_part){0};
    journal_settle(self);
    return self->fault[0] != '\0' ? MR_FOUND_FAULT : MR_FOUND_NEW;
}

bool mr_found_room(const mr_replica *self) {
    return self->claim_count < self->claim_capacity / 2;
}

uint32_t mr_found_waiting(const mr_replica *self) {
    return self->claim_count;
}
