/* Parts on their way. An Abort while a part of its upload is on its way may leave parts behind, and
 * with them the upload, until another Abort (AWS: API Reference, AbortMultipartUpload): it is no
 * evidence that anything is gone.
 *
 * Ownership: the finder owns its array. Threads: read-only once found. */
#ifndef S3P_CHECK_FLIGHTS_H
#define S3P_CHECK_FLIGHTS_H

#include "history/reader.h"

struct s3p_flights {
    struct s3p_flight {
        uint64_t upload; /* token of its id */
        int64_t inv, res;
    } *part; /* by upload */
    size_t n;
};

/* All of a history with Aborts; none otherwise. The segments have been verified. */
int s3p_flights_find(struct s3p_flights *f, const struct s3p_histfile *file,
                     struct s3p_err *err) S3P_MUST_CHECK;
void s3p_flights_free(struct s3p_flights *f);
bool s3p_flights_race(const struct s3p_flights *f, uint64_t upload, int64_t inv, int64_t res);

#endif
