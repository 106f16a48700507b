/*
 * A stream's messages in a file, to be kept: exactly as they were stored, each with a checksum, and an index at the end so that a reader
 * can begin anywhere.
 *
 *   magic "TWJRNL01" 8 | kind 4 | shard 4 | exchange 16 | first seq 8 | stream created_ns 8 | CRC-32C of these 4 | 0 4
 *   each message: length of what follows the CRC 4 | CRC-32C of it 4 | seq 8 | stream_ns 8 | subject length 2 | subject | payload
 *   index: for each 1,024th message from the first on: seq 8 | offset 8
 *   end: entries 8 | offset of the index 8 | messages 8 | last seq 8 | last stream_ns 8 | CRC-32C of the index and these 4 | "TWJEND01" 8
 *
 * Little endian. A file without its end was not finished, and is refused as a whole: a journal that ends early looks like a quiet day.
 * Sequences are without a hole. It is written beside its name and renamed when it is whole.
 */
#ifndef TICKWIRE_TOOLS_JOURNAL_EXPORT_FILE_H
#define TICKWIRE_TOOLS_JOURNAL_EXPORT_FILE_H

#include "base/error.h"
#include "base/market.h"
#include "matcher/wire/input.h"

#define EXPORT_FILE_ENDING ".twj"

typedef struct export_head {
    uint32_t kind, shard; /* journal_stream; of the venue */
    char exchange[TW_MIC_BYTES];
    uint64_t first_seq;
    int64_t created_ns; /* the stream's: which one it was */
} export_head;

typedef struct export_writer export_writer;

/* TW_IO names the path. */
tw_code export_writer_open(export_writer **opened, const char *path, const export_head *head, tw_error *error);
/* The next message: TW_MALFORMED if its sequence does not follow. After an error only closing is left. */
tw_code export_writer_add(export_writer *writer, const mw_message *message, tw_error *error);
/* Writes the end, syncs and renames. Then it is closed, whatever it says. */
tw_code export_writer_finish(export_writer *writer, tw_error *error);
void export_writer_abandon(export_writer *writer); /* removes what was written; NULL is fine */

typedef struct export_reader export_reader;

/* TW_NOT_FOUND, TW_IO; TW_MALFORMED: no such file, damaged, or not finished; TW_UNSUPPORTED: another version. */
tw_code export_reader_open(export_reader **opened, const char *path, tw_error *error);
void export_reader_close(export_reader *reader); /* NULL is fine */

const export_head *export_reader_head(const export_reader *reader);
uint64_t export_reader_messages(const export_reader *reader);
uint64_t export_reader_last_seq(const export_reader *reader); /* first - 1 if it is empty */
uint64_t export_reader_bytes(const export_reader *reader);    /* of the file */
int64_t export_reader_last_ns(const export_reader *reader);   /* of the last message; 0 if there is none */

/* The next message will be `seq`. TW_NOT_FOUND: it is not in the file. */
tw_code export_reader_seek(export_reader *reader, uint64_t seq, tw_error *error);
/* Borrowed until the next call. TW_NOT_FOUND at the end; TW_MALFORMED: damaged, the text says where. */
tw_code export_reader_next(export_reader *reader, mw_message *message, tw_error *error);

#endif
