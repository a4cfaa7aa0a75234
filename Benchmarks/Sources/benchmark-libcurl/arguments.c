#include "arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int argument_count;
static char **arguments;

void arguments_open(int count, char **values) {
    argument_count = count;
    arguments = values;
}

const char *text(const char *name, const char *standard) {
    for (int index = 2; index + 1 < argument_count; index += 2)
        if (strcmp(arguments[index] + 2, name) == 0) return arguments[index + 1];
    return standard;
}

double number(const char *name, double standard) {
    const char *value = text(name, NULL);
    return value ? atof(value) : standard;
}

bool is_http2(void) {
    return strcmp(text("version", "1.1"), "2") == 0;
}

void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}
