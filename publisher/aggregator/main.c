/* tickwire-aggregator: one aggregator a process. */
#include "publisher/aggregator/pipeline.h"
#include "runtime/program.h"

RT_PROGRAM_MAIN(aggregator, NULL)
