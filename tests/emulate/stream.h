/* The queues of the emulated streams, for the emulated libraries (stream.cpp). */
#ifndef TESTS_EMULATE_STREAM_H
#define TESTS_EMULATE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Runs run() on a copy of the arguments when the stream's turn comes. */
void emulate_queue(cudaStream_t stream, void (*run)(const void *), const void *args, size_t bytes);
/* Everything queued on the stream has run; false where waiting is not allowed. */
bool emulate_settle(cudaStream_t stream);
/* Whether something is being captured: the capture is then lost, as after any forbidden call. */
bool emulate_is_forbidden(void);
void emulate_pin(void *ptr, size_t bytes);
void emulate_unpin(void *ptr);
/* Remembers an error for cudaGetLastError(). */
cudaError_t emulate_report(cudaError_t rc);

#ifdef __cplusplus
}
#endif
#endif
