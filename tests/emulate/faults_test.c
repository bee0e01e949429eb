/* The CUDA device's messages on machines that are hard to get for a test: no driver, an old driver,
 * too little memory, a GPU that fails for good. */
#include "tests/emulate/emulated.h"

#include "core/base/buf.h"
#include "gpu/cuda.h"
#include "tests/test.h"

static void a_machine_without_a_driver(void)
{
    struct err err = {0};

    emulated.driver = 0;
    CHECK(device_cuda.count() == 0);
    CHECK(device_cuda.check(0, &err) == DEVICE_ABSENT);
    CHECK(strstr(err.text, "no NVIDIA driver"));
    err = (struct err){0};
    CHECK(!device_open(&device_cuda, 0, 1, &err));
    CHECK(err.kind == ERR_DEVICE);
    emulated.driver = 13000;
}

static void an_old_driver_is_named(void)
{
    struct err err = {0};
    struct buf found = {0};

    emulated.driver = 12040;
    CHECK(device_cuda.count() == 0);
    CHECK(device_cuda.check(0, &err) == DEVICE_UNUSABLE);
    CHECK(strstr(err.text, "too old") && strstr(err.text, "12.4") && strstr(err.text, "13.0"));
    device_cuda.survey(&found);
    CHECK(strstr(found.data, "12.4") && strstr(found.data, "too old"));
    buf_free(&found);
    emulated.driver = 13000;
}

static void a_driver_without_a_gpu(void)
{
    struct err err = {0};

    emulated.gpus = 0;
    CHECK(device_cuda.check(0, &err) == DEVICE_ABSENT);
    emulated.gpus = 1;
    err = (struct err){0};
    CHECK(device_cuda.check(1, &err) == DEVICE_UNUSABLE); /* there is only GPU 0 */
    CHECK(strstr(err.text, "no GPU 1"));
}

static void a_survey(void)
{
    struct buf found = {0};

    emulated.gpus = 2;
    device_cuda.survey(&found);
    CHECK(
        strstr(found.data, "cuda:1\tEmulated GPU, compute capability 9.0, 1.1 GB of 1.1 GB free"));
    buf_free(&found);
    emulated.gpus = 1;
}

/* Too little memory is a message with numbers, and the device goes on. */
static void too_little_memory(void)
{
    struct device *dev = device_open(&device_cuda, 0, 1, NULL);
    struct mat big, small;
    struct err err = {0};

    big = mat_new(dev, DT_F32, 1 << 15, 1 << 14);
    CHECK(!big.data);
    CHECK(!device_sync(dev, &err));
    CHECK(err.kind == ERR_LIMIT && strstr(err.text, "2.1 GB") && strstr(err.text, "free"));
    CHECK(!dev->lost);
    small = mat_new(dev, DT_F32, 8, 8);
    CHECK(small.data && device_sync(dev, NULL));
    mat_free(dev, &small);
    device_close(dev);
    CHECK(emulated.used[0] == 0);
}

static void a_lost_gpu_stays_lost(void)
{
    struct device *dev = device_open(&device_cuda, 0, 1, NULL);
    struct mat x = mat_new(dev, DT_F32, 8, 8);
    struct err err = {0};

    CHECK(device_sync(dev, NULL));
    emulated.launches_left = 2;
    device_fill(dev, x, 1);
    device_fill(dev, x, 2);
    device_fill(dev, x, 3);
    CHECK(!device_sync(dev, &err));
    CHECK(dev->lost && err.kind == ERR_DEVICE);
    CHECK(strstr(err.text, "the GPU has failed") && strstr(err.text, "unspecified launch failure"));
    CHECK(!device_sync(dev, NULL)); /* and again */
    CHECK(!mat_new(dev, DT_F32, 2, 2).data);
    mat_free(dev, &x);
    device_close(dev);
    emulated.lost = 0;
    emulated.launches_left = -1;
}

static const struct test tests[] = {
    {"a machine without a driver", a_machine_without_a_driver},
    {"an old driver is named", an_old_driver_is_named},
    {"a driver without a GPU", a_driver_without_a_gpu},
    {"a survey", a_survey},
    {"too little memory", too_little_memory},
    {"a lost GPU stays lost", a_lost_gpu_stays_lost},
};

TEST_MAIN(tests)
