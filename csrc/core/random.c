#include "core/random.h"

#include <errno.h>
#include <math.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/clock.h"

double s3p_rng_exponential(struct s3p_rng *r, double mean)
{
    /* The middle of one of 2^52 equal steps: exactly representable, never 0 and never 1. */
    double u = ((double)(s3p_rng_u64(r) >> 12) + 0.5) * 0x1.0p-52;
    return -log(u) * mean;
}

/* The Zipf sampler inverts H, the integral of the hat h(x) = x^-theta, and rejects the little that
 * lies between the hat and the staircase. Both helpers keep full precision around theta = 1, where
 * the closed forms become 0/0. */
static double expm1_ratio(double x)
{
    return fabs(x) > 1e-8 ? expm1(x) / x : 1.0 + x * 0.5;
}

static double log1p_ratio(double x)
{
    return fabs(x) > 1e-8 ? log1p(x) / x : 1.0 - x * 0.5;
}

static double hat(double theta, double x)
{
    return exp(-theta * log(x));
}

static double hat_integral(double theta, double x)
{
    double log_x = log(x);
    return expm1_ratio((1.0 - theta) * log_x) * log_x;
}

static double hat_integral_inverse(double theta, double y)
{
    double t = fmax(y * (1.0 - theta), -1.0); /* below -1 by rounding only */
    return exp(log1p_ratio(t) * y);
}

void s3p_zipf_init(struct s3p_zipf *z, uint64_t n, double theta)
{
    z->n = n;
    z->theta = theta;
    z->h_x1 = hat_integral(theta, 1.5) - 1.0;
    z->h_n = hat_integral(theta, (double)n + 0.5);
    z->s = 2.0 - hat_integral_inverse(theta, hat_integral(theta, 2.5) - hat(theta, 2.0));
}

uint64_t s3p_zipf_draw(const struct s3p_zipf *z, struct s3p_rng *r)
{
    for (;;) {
        double u = z->h_n + s3p_rng_unit(r) * (z->h_x1 - z->h_n);
        double x = hat_integral_inverse(z->theta, u);
        double k = fmin(fmax(floor(x + 0.5), 1.0), (double)z->n);
        if (k - x <= z->s || u >= hat_integral(z->theta, k + 0.5) - hat(z->theta, k))
            return (uint64_t)k - 1;
    }
}

uint64_t s3p_entropy_u64(void)
{
    uint64_t v;
    ssize_t got;
    do
        got = getrandom(&v, sizeof v, 0);
    while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof v)
        return v;
    /* No getrandom in this sandbox: still different for every process and moment. */
    return s3p_rng_at((uint64_t)s3p_wall_ns(), (uint64_t)getpid(), (uint64_t)s3p_now_ns());
}
