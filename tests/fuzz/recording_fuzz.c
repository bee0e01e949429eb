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
    struct recording *recording =
        recording_of_text("a recording", text, size, &params, &fact, &err);

    if ((recording == NULL) == (err.kind == ERR_NONE))
        abort();
    if (recording) {
        recording_index(recording);
        for (int i = 0; i < recording->lines; i++) {
            if (recording->line[i].job >= recording->jobs || recording->line[i].t < 0)
                abort();
            json_decref(recording_json(recording, &recording->line[i]));
        }
    }
    recording_close(recording);
    fact_free(&fact);
    return 0;
}
