// Requests that arrive at a fixed rate, whether or not earlier ones have completed (an open loop).
//
// The times of arrival are known in advance. A latency counts from the time at which the request should have arrived, not
// from when it was started: a client that falls behind does not hide its delays ("coordinated omission").

#ifndef ARRIVALS_H
#define ARRIVALS_H

#include <stdbool.h>

/// Starts a thread that calls `arrive` for each request in turn, `rate` times a second. The latencies of the first `warm_up`
/// seconds are discarded, those of the following `seconds` count.
void arrivals_begin(double rate, double warm_up, double seconds, void (*arrive)(long number, void *context), void *context);

/// A request has completed. Callable from any thread. Returns whether it was the last one.
bool arrivals_finish(long number);

/// Prints the percentiles.
void arrivals_print(void);

#endif
