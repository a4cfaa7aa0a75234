// What every client measures, and how: one window in each process, from a first sample to a last.

#ifndef CMEASUREMENT_H
#define CMEASUREMENT_H

#include <stdbool.h>

/// Seconds on a clock that only goes forward.
double measurement_now(void);

/// What of the process is in physical memory, in bytes.
long measurement_resident_bytes(void);

// MARK: One stretch of work

/// Takes the first sample: time, CPU time of all threads, allocations.
void measurement_begin(void);

/// Takes the last sample; `work` was done since the first: requests, or bytes.
void measurement_end(long work);

// MARK: Repeated requests

/// Prepares a window that opens after `warm_up` seconds and at least `warm_up_requests` requests, and closes after
/// `seconds` or `requests` (0: no limit), whichever is first.
void measurement_prepare(double warm_up, long warm_up_requests, double seconds, long requests);

/// One request is done. Callable from any thread. Returns whether to go on.
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
