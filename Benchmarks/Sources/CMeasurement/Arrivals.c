#define _GNU_SOURCE
#include "Arrivals.h"
#include "CMeasurement.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

static double first_arrival, interval;
static long discarded, total;
static void (*on_arrival)(long number, void *context);
static void *arrival_context;
static double *latencies;
static atomic_long finished;

static double arrival(long number) {
    return first_arrival + (double)number * interval;
}

static void wait_until(double time) {
    struct timespec deadline = {.tv_sec = (time_t)time};
    deadline.tv_nsec = (long)((time - (double)deadline.tv_sec) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) != 0) {}
}

static void *let_arrive(void *unused) {
    // As punctual as the system permits: no timer slack, and before other threads where that is allowed.
    prctl(PR_SET_TIMERSLACK, 1);
    pthread_setschedparam(pthread_self(), SCHED_FIFO, &(struct sched_param){.sched_priority = 1});
    for (long number = 0; number < total; number++) {
        if (measurement_now() < arrival(number)) wait_until(arrival(number));
        on_arrival(number, arrival_context);
    }
    return unused;
}

void arrivals_begin(double rate, double warm_up, double seconds, void (*arrive)(long number, void *context), void *context) {
    interval = 1 / rate;
    discarded = (long)(warm_up * rate);
    total = discarded + (long)(seconds * rate) + 1;
    latencies = calloc((size_t)total, sizeof *latencies);
    on_arrival = arrive;
    arrival_context = context;
    first_arrival = measurement_now() + 0.01;
    pthread_t thread;
    if (pthread_create(&thread, NULL, let_arrive, NULL) != 0) abort();
    pthread_detach(thread);
}

bool arrivals_finish(long number) {
    latencies[number] = measurement_now() - arrival(number);
    return atomic_fetch_add(&finished, 1) + 1 == total;
}

static int in_order(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

void arrivals_print(void) {
    double *counted = latencies + discarded;
    long count = total - discarded;
    qsort(counted, (size_t)count, sizeof *counted, in_order);
    measurement_print_value("rate", 1 / interval);
    measurement_print_value("p50_seconds", counted[count / 2]);
    measurement_print_value("p99_seconds", counted[count * 99 / 100]);
    measurement_print_value("p999_seconds", counted[count * 999 / 1000]);
}
