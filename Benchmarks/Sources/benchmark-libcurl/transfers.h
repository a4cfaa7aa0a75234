// Transfers of the program's one loop: their options, their checks, and requests that are never answered.

#ifndef TRANSFERS_H
#define TRANSFERS_H

#include "loop.h"

extern struct loop loop;
/// Set by a `transfer_done` to end `run_loop`.
extern bool is_over;

void run_loop(void);

/// An easy handle with all options of a GET.
void open_transfer(struct transfer *transfer, const char *url, transfer_done done);

/// Ends the program if the response is not the expected one.
void check_response(struct transfer *transfer, CURLcode result);

/// A `transfer_done` for a single transfer.
void finish(struct transfer *transfer, CURLcode result);

void get_once(const char *url);

/// Starts requests to --silent-url and waits until the server holds them.
struct transfer *hold_silent_requests(long count);
void silent_is_over(struct transfer *transfer, CURLcode result);

/// Removes the transfers and frees them and their array.
void close_transfers(struct transfer *transfers, long count);

#endif
