/* tickwire-gateway: one gateway a process. */
#include "gateways/pipeline.h"
#include "runtime/program.h"

RT_PROGRAM_MAIN(gateway, NULL)
