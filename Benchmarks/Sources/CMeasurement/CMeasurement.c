#define _GNU_SOURCE
#include "CMeasurement.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

double measurement_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/// The peak of physical memory, in bytes. Not from getrusage: its maximum includes the parent process before exec.
static long peak_bytes(void) {
    FILE *file = fopen("/proc/self/status", "r");
    if (!file) return 0;
    char line[256];
    long kibibytes = 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %ld", &kibibytes) == 1) break;
    fclose(file);
    return kibibytes * 1024;
}

long measurement_resident_bytes(void) {
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file) return 0;
    long pages = 0;
    if (fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

// MARK: Samples

struct sample {
    double time, cpu;
    long requests, allocations, allocated;
};

static atomic_long requests_done;
static struct sample first, last;
static long work_done;

/// A function of AllocationCounter, if it is loaded.
static long counter(const char *name) {
    long (*function)(void) = (long (*)(void))dlsym(RTLD_DEFAULT, name);
    return function ? function() : 0;
}

static struct sample take_sample(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    struct sample sample = {
        .time = measurement_now(),
        .cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6,
        .requests = atomic_load(&requests_done),
        .allocations = counter("allocation_counter_calls"),
        .allocated = counter("allocation_counter_bytes"),
    };
    return sample;
}

void measurement_begin(void) {
    first = take_sample();
}

void measurement_end(long work) {
    last = take_sample();
    work_done = work;
}

// MARK: The window

enum { warming_up, opening, open, closing, over };
static atomic_int stage;
static double warm_up_end, window_seconds;
static long warm_up_count, window_requests;

void measurement_prepare(double warm_up, long warm_up_requests, double seconds, long requests) {
    warm_up_end = measurement_now() + warm_up;
    warm_up_count = warm_up_requests;
    window_seconds = seconds;
    window_requests = requests;
    atomic_store(&requests_done, 0);
    atomic_store(&stage, warming_up);
}

bool measurement_note(void) {
    long done = atomic_fetch_add(&requests_done, 1) + 1;
    int present = atomic_load(&stage);
    if (present == warming_up && done >= warm_up_count && measurement_now() >= warm_up_end) {
        // Exactly one thread opens the window, and one closes it.
        if (atomic_compare_exchange_strong(&stage, &present, opening)) {
            measurement_begin();
            atomic_store(&stage, open);
        }
    } else if (present == open) {
        bool enough = window_requests > 0 && done - first.requests >= window_requests;
        if ((enough || measurement_now() - first.time >= window_seconds)
            && atomic_compare_exchange_strong(&stage, &present, closing)) {
            last = take_sample();
            work_done = last.requests - first.requests;
            atomic_store(&stage, over);
        }
    }
    return atomic_load(&stage) != over;
}

// MARK: Results

void measurement_print_value(const char *name, double value) {
    printf("%s %.9g\n", name, value);
    fflush(stdout);
}

void measurement_print(void) {
    measurement_print_value("work", (double)work_done);
    measurement_print_value("seconds", last.time - first.time);
    measurement_print_value("cpu", last.cpu - first.cpu);
    measurement_print_value("peak_bytes", (double)peak_bytes());
    if (last.allocations > first.allocations) {
        measurement_print_value("allocations", (double)(last.allocations - first.allocations));
        measurement_print_value("allocated", (double)(last.allocated - first.allocated));
    }
}

// MARK: The silent server

long measurement_held_requests(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (descriptor < 0) return -1;
    static const char request[] = "GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char answer[512] = "";
    if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0
        && send(descriptor, request, sizeof request - 1, MSG_NOSIGNAL) > 0
        && recv(descriptor, answer, sizeof answer - 1, 0) > 0) {
        char *body = strstr(answer, "\r\n\r\n");
        close(descriptor);
        return body ? atol(body + 4) : -1;
    }
    close(descriptor);
    return -1;
}
