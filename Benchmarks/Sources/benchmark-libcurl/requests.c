#include "requests.h"

#include "Arrivals.h"
#include "CMeasurement.h"
#include "Identities.h"
#include "arguments.h"
#include "kinds.h"
#include "transfers.h"

#include <stdatomic.h>
#include <stdlib.h>

// MARK: One after another

static void go_on(struct transfer *transfer, CURLcode result) {
    check_response(transfer, result);
    if (!measurement_note()) {
        is_over = true;
        return;
    }
    kinds_set_next(transfer);
    loop_add(&loop, transfer);
}

void repeated_requests(void) {
    long in_flight = (long)number("in-flight", 1);
    long silent_count = (long)number("silent", 0);
    kinds_open();
    struct transfer *silent = hold_silent_requests(silent_count);
    measurement_prepare(number("warm-up", 0.2), 2 * in_flight, number("seconds", 1), (long)number("requests", 0));
    struct transfer *transfers = calloc((size_t)in_flight, sizeof *transfers);
    for (long index = 0; index < in_flight; index++) {
        open_transfer(&transfers[index], text("url", ""), go_on);
        transfers[index].number = index * identity_count / in_flight;
        kinds_prepare(&transfers[index]);
        kinds_set_next(&transfers[index]);
        loop_add(&loop, &transfers[index]);
    }
    run_loop();
    measurement_print();
    close_transfers(transfers, in_flight);
    close_transfers(silent, silent_count);
}

// MARK: At a rate

/// How many requests have arrived.
static atomic_long arrived;
/// How many transfers run; as many connections there are at most. Others wait.
static long running;
static struct transfer *idle;

static void on_arrival(long number, void *unused) {
    (void)unused;
    atomic_store(&arrived, number + 1);
    loop_wake(&loop);
}

static void finish_arrived(struct transfer *transfer, CURLcode result) {
    check_response(transfer, result);
    transfer->next_idle = idle;
    idle = transfer;
    running -= 1;
    if (arrivals_finish(transfer->number)) is_over = true;
}

void requests_at_a_rate(void) {
    kinds_open();
    arrivals_begin(number("rate", 1000), number("warm-up", 0.2), number("seconds", 1), on_arrival, NULL);
    is_over = false;
    long limit = (long)number("connections", 64);
    for (long started = 0; !is_over; loop_turn(&loop, -1)) {
        for (; running < limit && started < atomic_load(&arrived); started++) {
            running += 1;
            struct transfer *transfer = idle;
            if (transfer) {
                idle = transfer->next_idle;
            } else {
                transfer = calloc(1, sizeof *transfer);
                open_transfer(transfer, text("url", ""), finish_arrived);
                kinds_prepare(transfer);
            }
            kinds_set_next(transfer);
            transfer->number = started;
            loop_add(&loop, transfer);
        }
    }
    arrivals_print();
    while (idle) {
        struct transfer *transfer = idle;
        idle = transfer->next_idle;
        close_transfers(transfer, 1);
    }
}
