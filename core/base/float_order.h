/* Orders and bounds that hold for any float, NaN included: a comparison written with < and >
 * puts NaN beside everything, which no sort may be given, and a cast of it to an integer is
 * undefined. */
#ifndef CORE_BASE_FLOAT_ORDER_H
#define CORE_BASE_FLOAT_ORDER_H

/* Negative, 0 or positive as a comes before, with or after b in rising order; NaN before all. */
static inline int number_order(double a, double b)
{
    int none_a = a != a, none_b = b != b;

    return none_a || none_b ? none_b - none_a : (a > b) - (a < b);
}

/* x within low..high; NaN: low. */
static inline double clamped(double x, double low, double high)
{
    return !(x > low) ? low : x > high ? high : x;
}

#endif
