/*
 * What execlog must be: the naive engine over the order stream, and every message of execlog compared with it byte for byte.
 *
 * It shares the codec (proto/) with the product and nothing else: names, numbers, refusals and correlation ids are kept here in
 * the plainest way. Give it the order stream's messages from the first one on, and execlog's; whatever waits on the other is kept.
 *
 * What it allows: execlog may be behind the order stream (truth_journaled), and ranges may be cut anywhere between inputs; within one
 * range all parts but the last have to be as full as they can be.
 */
#ifndef TICKWIRE_TESTS_MATCHER_TRUTH_H
#define TICKWIRE_TESTS_MATCHER_TRUTH_H

#include "matcher/wire/input.h"
#include "proto/venue.h"
#include "tests/matcher/naive.h"

typedef struct truth truth;

truth *truth_alloc(const char *exchange, uint32_t shard);
void truth_free(truth *truth);

/* The next input. */
void truth_take(truth *truth, const mw_message *message);
uint64_t truth_seq(const truth *truth); /* of the last one */

/* The next message of execlog; its inputs must have been taken. False: `error` says what is wrong with it. */
bool truth_compare(truth *truth, const uint8_t *bytes, size_t length, tw_error *error);
uint64_t truth_journaled(const truth *truth); /* all inputs up to here have been compared */
bool truth_midway(const truth *truth);        /* in a range whose last part has not come */

uint64_t truth_reports(const truth *truth); /* made so far */
const naive_engine *truth_engine(const truth *truth);

#endif
