// The measurement of all clients: one window in each process, between two samples.

#ifndef CMEASUREMENT_H
#define CMEASUREMENT_H

#include "Arrivals.h"
#include "Identities.h"

#include <stdbool.h>

/// Seconds on a monotonic clock.
double measurement_now(void);

/// The resident memory of the process, in bytes.
long measurement_resident_bytes(void);

// MARK: One piece of work

/// Takes the first sample: time, CPU time of all threads, allocations.
void measurement_begin(void);

/// Takes the last sample; `work` is the number of requests or bytes since the first one.
void measurement_end(long work);

// MARK: Repeated requests

/// Prepares a window that opens after `warm_up` seconds and at least `warm_up_requests` requests, and closes after
/// `seconds` or `requests` (0: no limit), whichever is first.
void measurement_prepare(double warm_up, long warm_up_requests, double seconds, long requests);

/// Counts one request. Callable from any thread. Returns whether to continue.
bool measurement_note(void);

// MARK: Results

/// Prints the window as lines of a name and a value.
void measurement_print(void);

/// Prints one more line.
void measurement_print_value(const char *name, double value);

// MARK: The silent server

/// How many requests benchmark-server holds at the moment; negative if it does not answer.
long measurement_held_requests(int port);

#endif
