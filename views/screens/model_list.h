/* Models that are on this machine: our cache folder, the Hugging Face cache, beside the model at
 * hand. Looks at names and sizes alone; opens nothing but small config files. */
#ifndef VIEWS_SCREENS_MODEL_LIST_H
#define VIEWS_SCREENS_MODEL_LIST_H

#include <stdbool.h>

struct model_file {
    char *path;                         /* a GGUF file, or a folder with safetensors files */
    char name[96], type[24], place[24]; /* type: of its weights, "" if the name does not say */
    double bytes;
};

struct model_list { /* zero-initialise; model_list_free() ends it */
    struct model_file *file;
    int count;
};

/* `current` is the model at hand, listed first, or NULL. */
void model_list_read(struct model_list *l, const char *current);
void model_list_free(struct model_list *l);

#endif
