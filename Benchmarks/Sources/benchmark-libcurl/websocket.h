// The workloads of WebSocketWorkloads in C: libcurl as the transport, the framing by hand.

#ifndef WEBSOCKET_H
#define WEBSOCKET_H

#include "loop.h"

/// Runs the workload, if it is one of WebSockets.
bool run_websocket_workload(struct loop *loop, const char *name);

#endif
