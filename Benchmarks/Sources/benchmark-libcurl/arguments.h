// The command line: the name of a workload, then "--name value" pairs.

#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>

void arguments_open(int count, char **values);

const char *text(const char *name, const char *standard);
double number(const char *name, double standard);
bool is_http2(void);

/// Prints `what` and ends the process.
_Noreturn void fail(const char *what);

#endif
