/* tickwire-ingest: one feed, or one partition of it, a process. */
#include "ingest/pipeline.h"
#include "runtime/program.h"

RT_PROGRAM_MAIN(ingest, location_hide)
