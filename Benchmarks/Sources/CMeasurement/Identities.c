#include "Identities.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/// Different bits for each number, always the same ones (splitmix64).
static unsigned long long scrambled(uint64_t number) {
    number += 0x9e3779b97f4a7c15;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
    number = (number ^ number >> 27) * 0x94d049bb133111eb;
    return number ^ number >> 31;
}

void identity_write(long number, char *path, char *request_id, char *traceparent) {
    unsigned long long one = scrambled((uint64_t)number), two = scrambled(one), three = scrambled(two);
    snprintf(path, identity_path_size, "/p/users/%08llx/orders", one >> 32);
    snprintf(request_id, identity_request_id_size, "%08llx-%04llx-4%03llx-8%03llx-%012llx",
             two >> 32, two & 0xffff, two >> 16 & 0xfff, three & 0xfff, three >> 16);
    snprintf(traceparent, identity_traceparent_size, "00-%016llx%016llx-%016llx-01", one, two, three);
}

void identity_write_json(char *json) {
    static const char end[] = "\"}";
    int length = snprintf(json, identity_json_size, "{\"orders\":[");
    for (int order = 0; order < 10; order++)
        length += snprintf(json + length, (size_t)(identity_json_size - length),
                           "%s{\"id\":%d,\"article\":\"%016llx\",\"count\":%d,\"price\":%d.50}", order > 0 ? "," : "",
                           order + 1000, scrambled((uint64_t)order), order + 1, 10 * order + 9);
    length += snprintf(json + length, (size_t)(identity_json_size - length), "],\"note\":\"");
    memset(json + length, 'x', (size_t)(identity_json_size - length));
    memcpy(json + identity_json_size - strlen(end), end, strlen(end));
}
