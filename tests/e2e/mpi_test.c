/* Work shared by the processes of mpirun is the work of one: `make check-mpi`. */
#include "tests/e2e/command.h"

#include <dirent.h>

#include "core/base/mpi.h"

static void parts(void)
{
    long at = 0, end, first;

    for (int r = 0; r < 3; r++) {
        first = mpi_part(8, r, 3, &end);
        CHECK(first == at && end - first == (r < 2 ? 3 : 2));
        at = end;
    }
    CHECK(at == 8);
    first = mpi_part(1, 2, 3, &end);
    CHECK(first == 1 && end == 1); /* nothing is left for the third */
}

#if HAVE_MPI

#define MPIRUN                                                                                \
    "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "                              \
    "OMPI_MCA_rmaps_base_oversubscribe=1"                                                     \
    " OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_btl_vader_single_copy_mechanism=none " \
    "mpirun"

/* A shell's command with the program in it; its output. */
static int shell(struct buf *out, const char *cache, const char *before, const char *args)
{
    char *home = xasprintf("%s/%s", folder, cache), part[4096];
    char *line = xasprintf("XDG_CACHE_HOME=%s %s build/mpi-cpu/editscope %s 2>%s/messages", home,
                           before, args, folder);
    FILE *pipe = popen(line, "r");
    size_t n;
    int status;

    buf_clear(out);
    while (pipe && (n = fread(part, 1, sizeof(part), pipe)) > 0)
        buf_add(out, part, n);
    status = pipe ? pclose(pipe) : -1;
    free(home);
    free(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The largest difference of two sums, of their size. */
static double differ(const char *a, const char *b)
{
    struct safetensors *x = safetensors_open(a, NULL), *y = safetensors_open(b, NULL);
    const struct st_tensor *s = x ? safetensors_tensor(x, "sum") : NULL;
    const struct st_tensor *t = y ? safetensors_tensor(y, "sum") : NULL;
    double worst = 0, largest = 0;

    if (!s || !t || s->bytes != t->bytes) {
        worst = largest = 1;
    } else {
        size_t n = s->bytes / sizeof(double);
        double *u = xmalloc(s->bytes), *v = xmalloc(s->bytes);

        memcpy(u, s->data, s->bytes);
        memcpy(v, t->data, s->bytes);
        for (size_t i = 0; i < n; i++) {
            worst = fmax(worst, fabs(u[i] - v[i]));
            largest = fmax(largest, fabs(u[i]));
        }
        free(u);
        free(v);
    }
    safetensors_close(x);
    safetensors_close(y);
    printf("difference of two sums: %g of their size\n", worst / largest);
    return worst / largest;
}

/* The sums in the caches of one and of three processes, at every checkpoint. */
static void sums(void)
{
    const char *args = "stats -n 3000 --set edit.layers=2,3 --window 64 --threads 1 --json";
    char *one = xasprintf("%s/one/editscope/moments", folder);
    struct buf a = {0}, b = {0};
    struct dirent *entry;
    int files = 0;
    char *told;
    DIR *dir;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    CHECK(shell(&a, "one", "", args) == 0);
    CHECK(shell(&b, "three", MPIRUN " -n 3", args) == 0);
    dir = opendir(one);
    while (dir && (entry = readdir(dir)))
        if (strstr(entry->d_name, ".safetensors")) {
            char *x = xasprintf("%s/%s", one, entry->d_name);
            char *y = xasprintf("%s/three/editscope/moments/%s", folder, entry->d_name);

            CHECK_NEAR(differ(x, y), 0, 1e-12);
            files++;
            free(x);
            free(y);
        }
    if (dir)
        closedir(dir);
    CHECK(files == 2);
    told = b.data ? strstr(b.data, "\"goal\"") : NULL;
    CHECK(told && strstr(b.data, "\"tokens\":3008"));
    CHECK(told && !strstr(told + 1, "\"goal\"")); /* rank 0 alone speaks */
    free(one);
    buf_free(&a);
    buf_free(&b);
}

static void sweeps(void)
{
    const char *args =
        "sweep " EIFFEL QUICK "--set edit.v_steps=2 --grid 'alpha_ge=.05,.1,.2' --threads 1 --json";
    struct buf a = {0}, b = {0};

    if (!model)
        SKIP("the default model is missing: run `make model`");
    CHECK(shell(&a, "one", "", args) == 0);
    CHECK(shell(&b, "three", MPIRUN " -n 2", args) == 0);
    for (int i = 0; i < 3; i++) {
        json_t *x = event(&a, "result", i), *y = event(&b, "result", i);

        CHECK(x && y);
        CHECK(json_equal(json_object_get(x, "grid"), json_object_get(y, "grid")));
        CHECK(json_equal(json_object_get(x, "cell"), json_object_get(y, "cell")));
        CHECK_NEAR(json_number_value(json_object_get(x, "kept")),
                   json_number_value(json_object_get(y, "kept")), 1e-3);
        CHECK_NEAR(json_number_value(json_object_get(x, "gain_mask")),
                   json_number_value(json_object_get(y, "gain_mask")), 1e-4);
        json_decref(x);
        json_decref(y);
    }
    CHECK(!event(&b, "result", 3));
    buf_free(&a);
    buf_free(&b);
}

/* The results of a run as text, without what was timed. Caller frees. */
static char *results_of(const struct buf *out)
{
    struct buf all = {0};
    json_t *o;

    for (int i = 0; (o = event(out, "result", i)); json_decref(o), i++) {
        char *text;

        json_object_del(o, "seconds");
        json_object_del(o, "seconds_per_edit");
        text = json_dumps(o, JSON_SORT_KEYS);
        buf_printf(&all, "%s\n", text);
        free(text);
    }
    return buf_take(&all);
}

/* Two processes, one of which is killed, then two again: as one that nothing happened to. */
static void runs(void)
{
    char *eval = xasprintf("eval " SMALL "--data tests/data/goldens/baselines/zsre10.json --method "
                           "nmke,memit,ft-m --orders 2 --edits 2,4 --threads 1 --json -o %s/",
                           folder);
    char *one = xasprintf("%sone.es", eval), *two = xasprintf("%stwo.es", eval);
    char *killed =
        xasprintf("( %s -n 2 build/mpi-cpu/editscope %s & p=$!; "
                  "while [ ! -s %s/two.es ] && kill -0 $p; do sleep 0.02; done; "
                  "kill -9 $(cut -d' ' -f2 /proc/$p/task/$p/children); wait $p ) >/dev/null 2>&1",
                  MPIRUN, two, folder);
    struct buf a = {0}, b = {0};
    char *alone, *shared;

    CHECK(shell(&a, "one", "", one) == 0);
    CHECK(system(killed) != 0);
    CHECK(shell(&b, "one", MPIRUN " -n 2", two) == 0);
    alone = results_of(&a);
    shared = results_of(&b);
    CHECK(strlen(alone) > 1000);
    CHECK_STR(alone, shared);
    CHECK(shell(&b, "one", "", two) == 0); /* one process reads it, too */
    free(shared);
    shared = results_of(&b);
    CHECK_STR(alone, shared);
    free(alone);
    free(shared);
    free(killed);
    free(one);
    free(two);
    free(eval);
    buf_free(&a);
    buf_free(&b);
}

static void others_refuse(void)
{
    struct buf out = {0};

    CHECK(shell(&out, "one", MPIRUN " -n 2", "query hello") != 0);
    CHECK(out.len == 0);
    buf_free(&out);
}

static const struct test tests[] = {
    {"parts of the work", parts},
    {"three processes sum what one does", sums},
    {"two processes sweep what one does", sweeps},
    {"two processes measure what one does", runs},
    {"other commands refuse", others_refuse},
};
#else
static void refused_without(void)
{
    struct buf out = {0};
    char *said;

    setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
    CHECK(run(&out, "stats") == 2);
    unsetenv("OMPI_COMM_WORLD_SIZE");
    said = messages();
    CHECK(strstr(said, "without Open MPI"));
    free(said);
    buf_free(&out);
}

static const struct test tests[] = {
    {"parts of the work", parts},
    {"a program without Open MPI refuses to be several", refused_without},
};
#endif

int main(void)
{
    return command_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
