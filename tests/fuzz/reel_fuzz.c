/* A whole recording: its head, and the lines found in it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/record/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = memcpy(xcalloc(size + 1, 1), data, size);
    struct params params;
    struct fact fact;
    struct err err = {0};
    struct recording *reel = recording_of_text("a recording", text, size, &params, &fact, &err);

    if ((reel == NULL) == (err.kind == ERR_NONE))
        abort();
    if (reel) {
        recording_index(reel);
        for (int i = 0; i < reel->lines; i++) {
            if (reel->line[i].job >= reel->jobs || reel->line[i].t < 0)
                abort();
            json_decref(recording_json(reel, &reel->line[i]));
        }
    }
    recording_close(reel);
    fact_free(&fact);
    return 0;
}
