/* Comparison and clamping that are safe for NaN.
 *
 * NaN is neither less than, equal to nor greater than anything. A comparison written with < and >
 * therefore calls it equal to every number; qsort() with such a comparison may return anything.
 * And converting NaN to an integer is undefined. Any thread. */
#ifndef CORE_BASE_FLOAT_ORDER_H
#define CORE_BASE_FLOAT_ORDER_H

/* For qsort(), ascending: negative, 0 or positive. NaN sorts before all numbers. */
static inline int number_order(double a, double b)
{
    int nan_a = a != a, nan_b = b != b;

    return nan_a || nan_b ? nan_b - nan_a : (a > b) - (a < b);
}

/* x limited to low..high; NaN becomes low. */
static inline double clamped(double x, double low, double high)
{
    return !(x > low) ? low : x > high ? high : x;
}

/* The range grows to hold y. It begins as NaN, NaN; a NaN changes nothing. */
static inline void range_include(double y, double *low, double *high)
{
    if (y < *low || *low != *low)
        *low = y;
    if (y > *high || *high != *high)
        *high = y;
}

#endif
