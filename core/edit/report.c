/* What an edit reports where it has no keys. */
#include "core/edit/report.h"

#include <math.h>

struct layer_report layer_report_keyless(int layer, int kept)
{
    const double no = (double)NAN;

    return (struct layer_report){.layer = layer,
                                 .kept = kept,
                                 .q = no,
                                 .gain = no,
                                 .gain_mask = no,
                                 .leak = no,
                                 .leak_unmasked = no,
                                 .leak_ratio = no,
                                 .percentile_gain = -1,
                                 .percentile_leak = -1,
                                 .scale = 1,
                                 .residual = no};
}
