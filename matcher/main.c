/* tickwire-matcher: one shard of the venue a process, leader or standby. */
#include "matcher/pipeline.h"
#include "runtime/program.h"

RT_PROGRAM_MAIN(matcher, NULL)
