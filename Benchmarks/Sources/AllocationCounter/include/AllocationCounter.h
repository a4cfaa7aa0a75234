// Counts the malloc calls of a client into which it is loaded with LD_PRELOAD. glibc only.

/// The number of allocations since the process started.
long allocation_counter_calls(void);

/// The number of bytes allocated since the process started.
long allocation_counter_bytes(void);
