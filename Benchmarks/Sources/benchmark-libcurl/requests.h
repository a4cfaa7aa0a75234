// Small requests (kinds.h), one after another or at a fixed rate.

#ifndef REQUESTS_H
#define REQUESTS_H

#include "loop.h"

/// --in-flight requests at a time.
void repeated_requests(void);

/// --rate requests a second.
void requests_at_a_rate(void);

#endif
