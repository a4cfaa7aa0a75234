// Preloaded into a client (LD_PRELOAD), counts what it asks malloc for. glibc only.

/// How often memory was asked for since the process started.
long allocation_counter_calls(void);

/// How many bytes were asked for.
long allocation_counter_bytes(void);
