/*
 * On which of the venue's shards an instrument lives when it is defined and nobody says otherwise. Where it lives afterwards is told
 * by the directory (`instruments.{MIC}`): senders ask there, so that an instrument that was moved is found.
 *
 * Rendezvous hashing: every shard draws a weight for the symbol and the heaviest has it. A shard more takes about one of n symbols,
 * from all the others alike, and no symbol moves between the old ones. The function is stable for ever: journals and operators depend
 * on it, and clients in other languages may compute it.
 *
 *     h = 64-bit FNV-1a of the symbol's bytes (not escaped)
 *     weight of shard s = mix(h + s * 0x9e3779b97f4a7c15), mix being the finalizer of splitmix64, all modulo 2^64
 *     the greatest weight wins; of two equal ones the smaller shard
 */
#ifndef TICKWIRE_PROTO_SHARD_H
#define TICKWIRE_PROTO_SHARD_H

#include <stdint.h>

/* 1 to `shards`; 0 if there are none. */
uint32_t shard_of_symbol(const char *symbol, uint32_t shards);

#endif
