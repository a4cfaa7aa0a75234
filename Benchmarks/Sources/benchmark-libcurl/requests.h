// Small requests, one after another: --kind is "hello" (the same URL), "paths", "json" or "hosts".

#ifndef REQUESTS_H
#define REQUESTS_H

#include "loop.h"

/// --in-flight requests at a time.
void repeated_requests(void);

/// --rate requests a second.
void requests_at_a_rate(void);

#endif
