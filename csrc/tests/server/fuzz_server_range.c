/* libFuzzer target: Range headers and lists of entity tags. First 8 bytes: the object's size. */
#include "server/conditions.h"
#include "server/ranges.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond) ((cond) ? (void)0 : __builtin_trap())

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t object;
    uint8_t md5[S3P_MD5_BYTES];
    if (size < sizeof object)
        return 0;
    memcpy(&object, data, sizeof object);
    memset(md5, data[0], sizeof md5);
    struct s3p_str header = {(const char *)data + sizeof object, size - sizeof object};
    struct s3p_srv_range r = s3p_srv_range_parse(header, object);
    CHECK(r.kind <= S3P_SRV_RANGE_SEVERAL);
    CHECK(r.kind != S3P_SRV_RANGE_WHOLE || (r.first == 0 && r.bytes == object));
    CHECK(r.kind != S3P_SRV_RANGE_PART ||
          (r.bytes > 0 && r.first < object && r.bytes <= object - r.first));
    if (s3p_srv_etag_listed(header, md5, 0, false))
        CHECK(s3p_srv_etag_listed(header, md5, 0, true));
    return 0;
}
