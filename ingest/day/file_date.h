/* The trading date that a recording's file name tells. Pure. */
#ifndef TICKWIRE_INGEST_DAY_FILE_DATE_H
#define TICKWIRE_INGEST_DAY_FILE_DATE_H

#include <stdbool.h>

#include "base/civil.h"

/* Looks in the last part of `path` for YYYY-MM-DD, then for a run of exactly eight digits (YYYYMMDD, or MMDDYYYY as
 * NASDAQ names its files), then of exactly six (MMDDYY: S081321-v50). Only dates that exist, 1990 to 2089. False
 * if there is none. */
bool file_date(const char *path, tw_date *date);

#endif
