// What small requests are: --kind is "hello" (the same URL), "paths" (another path and two of five header fields each
// time), "json" (a POST) or "hosts" (--hosts addresses in turn). Nothing of it is freed before the process ends.

#ifndef KINDS_H
#define KINDS_H

#include "loop.h"

/// Reads the command line.
void kinds_open(void);

/// Sets the options that stay the same for all requests of a transfer.
void kinds_prepare(struct transfer *transfer);

/// Sets what differs in the next request.
void kinds_set_next(struct transfer *transfer);

#endif
