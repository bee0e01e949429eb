/* A line of a recording: what is read can be written and read again. */
#include <stdint.h>
#include <stdlib.h>

#include "core/record/event_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *line = json_loadb((const char *)data, size, 0, NULL);
    struct event ev, again;
    struct err err = {0};
    struct buf text = {0};

    if (event_read(line, &ev, &err)) {
        buf_puts(&text, "{");
        event_write(&ev, false, &text);
        buf_puts(&text, "}");
        json_decref(line);
        line = json_loadb(text.data, text.len, 0, NULL);
        if (!event_read(line, &again, NULL))
            abort();
        if (ev.kind == EV_LAYER && !attribution_is_finite(ev.attribution, NULL))
            abort();
        event_free(&again);
        event_free(&ev);
        buf_free(&text);
    } else if (err.kind == ERR_NONE) {
        abort();
    }
    json_decref(line);
    return 0;
}
