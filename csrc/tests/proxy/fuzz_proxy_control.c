/* libFuzzer target: what the control port takes, as the body of POST /faults. */
#include "proxy/faults.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct s3p_px_faults *set = NULL;
    struct s3p_err err = {0};
    if (s3p_px_faults_read(&set, NULL, (const char *)data, size, 2, &err) < 0) {
        CHECK(set == NULL && err.code == S3P_EINVAL && strstr(err.msg, "expected") != NULL);
        return 0;
    }
    CHECK(set->n <= S3P_PX_FAULTS_MAX);
    for (unsigned i = 0; i < set->n; i++)
        CHECK(set->fault[i].text != NULL && set->fault[i].spec.p > 0);
    s3p_px_faults_free(set);
    return 0;
}
