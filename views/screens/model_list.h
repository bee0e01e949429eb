/* Models on this machine: in our cache folder, in the Hugging Face cache, and beside the open
 * model. Looks at names and sizes; opens nothing but config.json. */
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

/* Reads the folders again. `current`: path of the open model, listed first, or NULL. */
void model_list_read(struct model_list *l, const char *current);
void model_list_free(struct model_list *l);

#endif
